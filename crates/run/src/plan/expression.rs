//! Simple arithmetic in manifests: `points_per_lane * lanes`. Exact: values are fractions, and only
//! the result has to be whole.

use std::fmt;

/// An expression, and where its parts stand.
#[derive(Clone, Debug, PartialEq)]
pub struct Expression(Node);

/// What is wrong with an expression, and at which byte of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// Byte in the expression's text.
    pub offset: usize,
    /// What is wrong.
    pub message: String,
}

#[derive(Clone, Debug, PartialEq)]
enum Node {
    Number(i128),
    Name { name: String, offset: usize },
    Negated(Box<Node>),
    Pair { left: Box<Node>, operator: Operator, offset: usize, right: Box<Node> },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Plus,
    Minus,
    Times,
    Over,
}

/// A fraction in lowest terms with a positive denominator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fraction {
    numerator: i128,
    denominator: i128,
}

/// Parentheses and signs may be nested this deep, operators follow each other this often.
const MAX_DEPTH: usize = 100;

impl Expression {
    /// Reads an expression over whole numbers, names (letters, digits, `_`), `+ - * / ( )`.
    pub fn parse(text: &str) -> Result<Expression, Wrong> {
        let mut parser = Parser { text, at: 0, depth: 0 };
        let node = parser.sum()?;
        match parser.peek() {
            None => Ok(Expression(node)),
            Some(c) => {
                Err(parser.wrong(format!("expected an operator (+ - * /) or the end, got '{c}'")))
            }
        }
    }

    /// The names in it, each with the byte where it stands.
    pub fn names(&self) -> Vec<(&str, usize)> {
        fn walk<'a>(node: &'a Node, into: &mut Vec<(&'a str, usize)>) {
            match node {
                Node::Number(_) => {}
                Node::Name { name, offset } => into.push((name, *offset)),
                Node::Negated(inner) => walk(inner, into),
                Node::Pair { left, right, .. } => {
                    walk(left, into);
                    walk(right, into);
                }
            }
        }
        let mut names = Vec::new();
        walk(&self.0, &mut names);
        names
    }

    /// Its value, where `value_of` knows the names.
    pub fn evaluate<E: From<Wrong>>(
        &self,
        value_of: &mut dyn FnMut(&str, usize) -> Result<u64, E>,
    ) -> Result<Fraction, E> {
        fn walk<E: From<Wrong>>(
            node: &Node,
            value_of: &mut dyn FnMut(&str, usize) -> Result<u64, E>,
        ) -> Result<Fraction, E> {
            match node {
                Node::Number(value) => Ok(Fraction::whole(*value)),
                Node::Name { name, offset } => Ok(Fraction::whole(value_of(name, *offset)?.into())),
                Node::Negated(inner) => {
                    let value = walk(inner, value_of)?;
                    Ok(Fraction { numerator: -value.numerator, ..value })
                }
                Node::Pair { left, operator, offset, right } => {
                    let (left, right) = (walk(left, value_of)?, walk(right, value_of)?);
                    left.combine(*operator, right).map_err(|message| {
                        Wrong { offset: *offset, message: message.into() }.into()
                    })
                }
            }
        }
        walk(&self.0, value_of)
    }
}

impl Fraction {
    fn whole(value: i128) -> Self {
        Fraction { numerator: value, denominator: 1 }
    }

    /// The value as a positive whole number, if it is one.
    pub fn positive_whole(self) -> Option<u64> {
        (self.denominator == 1 && self.numerator > 0)
            .then(|| u64::try_from(self.numerator).ok())
            .flatten()
    }

    fn combine(self, operator: Operator, other: Fraction) -> Result<Fraction, &'static str> {
        if operator == Operator::Over && other.numerator == 0 {
            return Err("division by zero");
        }
        self.checked(operator, other).ok_or("the numbers are too large")
    }

    fn checked(self, operator: Operator, other: Fraction) -> Option<Fraction> {
        let (a, b, c, d) = (self.numerator, self.denominator, other.numerator, other.denominator);
        let (numerator, denominator) = match operator {
            Operator::Plus => {
                (a.checked_mul(d)?.checked_add(c.checked_mul(b)?)?, b.checked_mul(d)?)
            }
            Operator::Minus => {
                (a.checked_mul(d)?.checked_sub(c.checked_mul(b)?)?, b.checked_mul(d)?)
            }
            Operator::Times => (a.checked_mul(c)?, b.checked_mul(d)?),
            Operator::Over => (a.checked_mul(d)?, b.checked_mul(c)?),
        };
        // `i128::MIN` has no opposite; nothing near it is a number of rows.
        if numerator == i128::MIN || denominator == i128::MIN {
            return None;
        }
        let divisor = gcd(numerator.abs(), denominator.abs()) * denominator.signum();
        Some(Fraction { numerator: numerator / divisor, denominator: denominator / divisor })
    }
}

impl fmt::Display for Fraction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.denominator {
            1 => write!(f, "{}", self.numerator),
            _ => write!(f, "{}/{}", self.numerator, self.denominator),
        }
    }
}

/// The greatest common divisor; the denominator is never 0, so neither is the result.
fn gcd(mut a: i128, mut b: i128) -> i128 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

impl Parser<'_> {
    fn wrong(&self, message: impl Into<String>) -> Wrong {
        Wrong { offset: self.at, message: message.into() }
    }

    /// The next character that is not a space.
    fn peek(&mut self) -> Option<char> {
        let rest = self.text[self.at..].trim_start();
        self.at = self.text.len() - rest.len();
        rest.chars().next()
    }

    fn deeper(&mut self) -> Result<(), Wrong> {
        self.depth += 1;
        if self.depth > MAX_DEPTH { Err(self.wrong("the expression is too long")) } else { Ok(()) }
    }

    fn sum(&mut self) -> Result<Node, Wrong> {
        self.chain(&[('+', Operator::Plus), ('-', Operator::Minus)], Self::product)
    }

    fn product(&mut self) -> Result<Node, Wrong> {
        self.chain(&[('*', Operator::Times), ('/', Operator::Over)], Self::value)
    }

    /// Parts joined by operators of equal rank, from left to right.
    fn chain(
        &mut self,
        operators: &[(char, Operator)],
        part: fn(&mut Self) -> Result<Node, Wrong>,
    ) -> Result<Node, Wrong> {
        let mut left = part(self)?;
        while let Some(c) = self.peek()
            && let Some(&(_, operator)) = operators.iter().find(|(sign, _)| *sign == c)
        {
            self.deeper()?;
            let offset = self.at;
            self.at += 1;
            let right = part(self)?;
            left = Node::Pair { left: Box::new(left), operator, offset, right: Box::new(right) };
        }
        Ok(left)
    }

    fn value(&mut self) -> Result<Node, Wrong> {
        let expected = "expected a number, a name or '('";
        match self.peek() {
            Some('(') => {
                self.deeper()?;
                self.at += 1;
                let inner = self.sum()?;
                match self.peek() {
                    Some(')') => self.at += 1,
                    Some(c) => return Err(self.wrong(format!("expected ')', got '{c}'"))),
                    None => return Err(self.wrong("expected ')', got the end")),
                }
                Ok(inner)
            }
            Some('-') => {
                self.deeper()?;
                self.at += 1;
                Ok(Node::Negated(Box::new(self.value()?)))
            }
            Some(c) if c.is_ascii_digit() => {
                let digits = self.word();
                let value = digits.replace('_', "").parse::<u64>();
                value.map(|value| Node::Number(value.into())).map_err(|_| {
                    self.at -= digits.len();
                    self.wrong(format!("'{digits}' is not a whole number that fits"))
                })
            }
            Some(c) if c.is_ascii_alphabetic() || c == '_' => {
                let offset = self.at;
                Ok(Node::Name { name: self.word(), offset })
            }
            Some(c) => Err(self.wrong(format!("{expected}, got '{c}'"))),
            None => Err(self.wrong(format!("{expected}, got the end"))),
        }
    }

    fn word(&mut self) -> String {
        let rest = &self.text[self.at..];
        let length =
            rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        self.at += length;
        rest[..length].into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn value(text: &str) -> Result<String, Wrong> {
        let mut names = |name: &str, offset: usize| match name {
            "lanes" => Ok(6),
            "points" => Ok(1000),
            _ => Err(Wrong { offset, message: format!("unknown '{name}'") }),
        };
        Expression::parse(text)?.evaluate(&mut names).map(|v| v.to_string())
    }

    #[test]
    fn arithmetic_is_exact_and_has_the_usual_order() {
        assert_eq!(value("1 + 2 * 3"), Ok("7".into()));
        assert_eq!(value("(1 + 2) * 3"), Ok("9".into()));
        assert_eq!(value("10 - 2 - 3"), Ok("5".into()));
        assert_eq!(value("points / lanes * 3"), Ok("500".into()), "thirds cancel");
        assert_eq!(value("points / lanes"), Ok("500/3".into()));
        assert_eq!(value("-2 * -(3)"), Ok("6".into()));
        assert_eq!(value("100_000*lanes"), Ok("600000".into()));
    }

    #[test]
    fn errors_say_where() {
        let wrong = |text: &str| value(text).expect_err(text);
        assert_eq!(wrong("1 + ").offset, 4);
        assert_eq!(wrong("1 + ").message, "expected a number, a name or '(', got the end");
        assert_eq!(wrong("2 * pionts"), Wrong { offset: 4, message: "unknown 'pionts'".into() });
        assert_eq!(wrong("(1 + 2").message, "expected ')', got the end");
        assert_eq!(
            wrong("1 ^ 2"),
            Wrong {
                offset: 2,
                message: "expected an operator (+ - * /) or the end, got '^'".into()
            }
        );
        assert_eq!(wrong("1 / (3 - 3)"), Wrong { offset: 2, message: "division by zero".into() });
        let squares = ["9223372036854775807"; 4].join("*");
        assert_eq!(wrong(&squares).message, "the numbers are too large");
        assert_eq!(wrong("99999999999999999999").offset, 0);
        assert!(wrong(&"(".repeat(1000)).message.contains("too long"));
    }

    #[test]
    fn only_positive_whole_results_are_numbers_of_things() {
        let whole = |text: &str| {
            let none = &mut |_: &str, _| Ok::<u64, Wrong>(0);
            Expression::parse(text).and_then(|e| e.evaluate(none)).map(Fraction::positive_whole)
        };
        assert_eq!(whole("6 / 4 * 2"), Ok(Some(3)));
        assert_eq!(whole("6 / 4"), Ok(None));
        assert_eq!(whole("1 - 1"), Ok(None));
        assert_eq!(whole("1 - 2"), Ok(None));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,40}") {
            if let Err(wrong) = Expression::parse(&text) {
                prop_assert!(wrong.offset <= text.len() && text.is_char_boundary(wrong.offset));
            }
        }

        #[test]
        fn sums_of_products_are_those_of_the_language(a in 0u32..1000, b in 0u32..1000, c in 1u32..1000, d in 0u32..1000) {
            let text = format!("{a} * ({b} + {c}) / {c} - {d} + {d}");
            let none = &mut |_: &str, _| Ok::<u64, Wrong>(0);
            let fraction = Expression::parse(&text).expect("well formed").evaluate(none).expect("small");
            let product = u64::from(a) * u64::from(b + c);
            let expected = (product > 0 && product.is_multiple_of(c.into())).then(|| product / u64::from(c));
            prop_assert_eq!(fraction.positive_whole(), expected);
        }
    }
}
