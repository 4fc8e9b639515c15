//! Programs: exactly the operations that amdahl's texts have, and no other.

/// Types of elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element {
    F32,
    Bf16,
    I32,
    Bool,
}

/// Type of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Type {
    pub shape: Vec<usize>,
    pub element: Element,
}

impl Type {
    /// Number of elements.
    pub fn count(&self) -> usize {
        self.shape.iter().product()
    }
}

/// How two values become one, or many one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pair {
    Add,
    Subtract,
    Maximum,
    Minimum,
}

/// An operation on values by their numbers.
#[derive(Clone, Debug, PartialEq)]
pub enum Op {
    Constant(f32),
    /// Contracts these dimensions: of the first always its last.
    Dot(usize, usize, usize, usize),
    Broadcast(usize, Vec<usize>),
    Pair(Pair, usize, usize),
    /// Along a dimension, from an initial value.
    Reduce(Pair, usize, usize, usize),
    /// `true`: greater or equal, else equal.
    Compare(bool, usize, usize),
    Iota(usize),
    Select(usize, usize, usize),
    Convert(usize),
    /// The value as it is: what a barrier gives.
    Same(usize),
}

/// A program: parameters first, then one value for each operation.
#[derive(Debug)]
pub struct Program {
    pub name: String,
    pub parameters: Vec<Type>,
    pub operations: Vec<(Op, Type)>,
    pub results: Vec<usize>,
}

/// What is wrong with a text.
pub type Parsed<T> = Result<T, String>;

impl Program {
    /// Reads a module's text.
    pub fn parse(text: &str) -> Parsed<Program> {
        let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let head = lines.next().unwrap_or_default();
        let name = head.strip_prefix("module @").and_then(|rest| rest.strip_suffix('{'));
        let Some(name) = name else { return Err(format!("expected a module, got '{head}'")) };
        let function = lines.next().unwrap_or_default();
        let inputs = function
            .strip_prefix("func.func public @main(")
            .and_then(|rest| rest.split_once(") -> "));
        let Some((inputs, _)) = inputs else {
            return Err(format!("expected @main, got '{function}'"));
        };
        let mut names: Vec<String> = Vec::new();
        let mut program = Program {
            name: name.trim().into(),
            parameters: Vec::new(),
            operations: Vec::new(),
            results: Vec::new(),
        };
        for input in inputs.split(", ") {
            let (name, of) = input
                .split_once(": ")
                .ok_or_else(|| format!("expected a parameter, got '{input}'"))?;
            names.push(name.into());
            program.parameters.push(tensor(of)?);
        }
        for line in lines.by_ref() {
            if let Some(values) = line.strip_prefix("return ") {
                let (values, _) = values
                    .split_once(" : ")
                    .ok_or_else(|| format!("expected types in '{line}'"))?;
                program.results =
                    values.split(", ").map(|name| place(&names, name)).collect::<Parsed<_>>()?;
                break;
            }
            let (name, rest) =
                line.split_once(" = ").ok_or_else(|| format!("cannot read '{line}'"))?;
            let (rest, types) =
                rest.rsplit_once(" : ").ok_or_else(|| format!("expected types in '{line}'"))?;
            let result = types.rsplit_once("-> ").map_or(types, |(_, result)| result);
            let result = result.rsplit(", ").next().unwrap_or(result);
            let operation = operation(rest, &names).map_err(|why| format!("{why} in '{line}'"))?;
            program.operations.push((operation, tensor(result)?));
            names.push(name.into());
        }
        if program.results.is_empty() || lines.any(|line| line != "}") {
            return Err("the program has no end".into());
        }
        program.check()?;
        Ok(program)
    }

    /// The type of a value.
    pub fn type_of(&self, value: usize) -> &Type {
        match value.checked_sub(self.parameters.len()) {
            None => &self.parameters[value],
            Some(operation) => &self.operations[operation].1,
        }
    }

    /// Multiplications and additions of the matrix products.
    pub fn flops(&self) -> f32 {
        let of = |(op, result): &(Op, Type)| match op {
            Op::Dot(a, _, i, _) => 2.0 * result.count() as f32 * self.type_of(*a).shape[*i] as f32,
            _ => 0.0,
        };
        self.operations.iter().map(of).sum()
    }

    /// Shapes fit together.
    fn check(&self) -> Parsed<()> {
        for (i, (operation, result)) in self.operations.iter().enumerate() {
            let shape = |value: &usize| self.type_of(*value).shape.as_slice();
            let fits = match operation {
                Op::Constant(_) => result.shape.is_empty(),
                Op::Dot(a, b, i, j) => {
                    let (a, b) = (shape(a), shape(b));
                    a.len() == 2
                        && b.len() == 2
                        && *i == 1
                        && *j < 2
                        && a[*i] == b[*j]
                        && result.shape == [a[1 - i], b[1 - j]]
                }
                Op::Broadcast(a, to) => {
                    let from = shape(a);
                    let along = |(n, &at): (&usize, &usize)| result.shape.get(at) == Some(n);
                    from.len() == to.len()
                        && from.len() <= 1
                        && result.shape.len() <= 2
                        && from.iter().zip(to).all(along)
                }
                Op::Pair(_, a, b) => shape(a) == result.shape && shape(b) == result.shape,
                Op::Reduce(_, a, from, at) => {
                    let a = shape(a);
                    let rest: Vec<usize> =
                        a.iter().enumerate().filter(|(i, _)| i != at).map(|(_, &n)| n).collect();
                    shape(from).is_empty() && *at < a.len() && a.len() <= 2 && rest == result.shape
                }
                Op::Compare(_, a, b) => {
                    shape(a) == result.shape
                        && shape(b) == result.shape
                        && result.element == Element::Bool
                }
                Op::Iota(at) => *at < result.shape.len() && result.shape.len() <= 2,
                Op::Select(p, a, b) => {
                    let truth = self.type_of(*p).element == Element::Bool;
                    truth && [p, a, b].iter().all(|value| shape(value) == result.shape)
                }
                Op::Convert(a) => shape(a) == result.shape,
                Op::Same(a) => self.type_of(*a) == result,
            };
            if !fits {
                return Err(format!("operation {i} ({operation:?}) does not fit {result:?}"));
            }
        }
        Ok(())
    }
}

fn place(names: &[String], name: &str) -> Parsed<usize> {
    names
        .iter()
        .position(|known| known == name.trim())
        .ok_or_else(|| format!("unknown value '{name}'"))
}

fn tensor(text: &str) -> Parsed<Type> {
    let inner = text.trim().strip_prefix("tensor<").and_then(|rest| rest.strip_suffix('>'));
    let inner = inner.ok_or_else(|| format!("expected a tensor, got '{text}'"))?;
    let mut parts: Vec<&str> = inner.split('x').collect();
    let element = match parts.pop() {
        Some("f32") => Element::F32,
        Some("bf16") => Element::Bf16,
        Some("i32") => Element::I32,
        Some("i1") => Element::Bool,
        other => return Err(format!("unknown element {other:?}")),
    };
    let shape = parts
        .iter()
        .map(|n| n.parse().map_err(|_| format!("not a size: '{n}'")))
        .collect::<Parsed<Vec<usize>>>()?;
    Ok(Type { shape, element })
}

fn number(text: &str) -> Parsed<usize> {
    let inner = text
        .trim()
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(text.trim());
    inner.parse().map_err(|_| format!("not a number: '{text}'"))
}

/// Reads the part of a line between its name and its types.
fn operation(text: &str, names: &[String]) -> Parsed<Op> {
    let value = |name: &str| place(names, name);
    let (word, rest) = text.split_at(text.find([' ', '(']).unwrap_or(text.len()));
    let word =
        word.strip_prefix("stablehlo.").ok_or_else(|| format!("unsupported operation '{word}'"))?;
    let rest = rest.trim();
    let parts: Vec<&str> = rest.split(", ").collect();
    let between = |start: &str, end: &str| -> Parsed<&str> {
        let from = rest.split_once(start).ok_or_else(|| format!("expected '{start}'"))?.1;
        Ok(from.split_once(end).map_or(from, |(inner, _)| inner))
    };
    Ok(match word {
        "constant" => {
            let text = between("dense<", ">")?;
            Op::Constant(text.parse().map_err(|_| format!("not a number: '{text}'"))?)
        }
        "dot_general" => {
            let (i, j) = between("contracting_dims = ", ", ")?
                .split_once(" x ")
                .ok_or("expected two dimensions")?;
            let highest = rest.ends_with("precision = [HIGHEST, HIGHEST]");
            if parts.len() != 5 || !highest {
                return Err("unsupported form of dot_general".into());
            }
            Op::Dot(value(parts[0])?, value(parts[1])?, number(i)?, number(j)?)
        }
        "broadcast_in_dim" => {
            let dims = between("dims = [", "]")?;
            let dims = dims
                .split(", ")
                .filter(|d| !d.is_empty())
                .map(number)
                .collect::<Parsed<Vec<usize>>>()?;
            Op::Broadcast(value(parts[0])?, dims)
        }
        "add" | "subtract" | "minimum" => {
            let pair = match word {
                "add" => Pair::Add,
                "subtract" => Pair::Subtract,
                _ => Pair::Minimum,
            };
            let [a, b] = parts[..] else { return Err("expected two values".into()) };
            Op::Pair(pair, value(a)?, value(b)?)
        }
        "reduce" => {
            let (a, from) =
                between("(", ")")?.split_once(" init: ").ok_or("expected an initial value")?;
            let pair = match between("applies stablehlo.", " ")? {
                "add" => Pair::Add,
                "maximum" => Pair::Maximum,
                "minimum" => Pair::Minimum,
                other => return Err(format!("unsupported reduction '{other}'")),
            };
            Op::Reduce(pair, value(a)?, value(from)?, number(between("dimensions = ", " : ")?)?)
        }
        "compare" => {
            let [direction, a, b, "FLOAT"] = parts[..] else {
                return Err("unsupported form of compare".into());
            };
            let greater = match direction {
                "EQ" => false,
                "GE" => true,
                other => return Err(format!("unsupported comparison '{other}'")),
            };
            Op::Compare(greater, value(a)?, value(b)?)
        }
        "iota" => Op::Iota(number(between("dim = ", " ")?)?),
        "select" => {
            let [p, a, b] = parts[..] else { return Err("expected three values".into()) };
            Op::Select(value(p)?, value(a)?, value(b)?)
        }
        "convert" => Op::Convert(value(rest)?),
        "optimization_barrier" => Op::Same(value(rest)?),
        other => return Err(format!("unsupported operation 'stablehlo.{other}'")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = include_str!("../../../tests/golden/kmeans.mlir");

    #[test]
    fn the_programs_of_amdahl_are_read() {
        let modules = TEXT.split("module").skip(1).map(|rest| format!("module{rest}"));
        let programs: Vec<Program> =
            modules.map(|text| Program::parse(&text).expect("a program")).collect();
        assert_eq!(programs.len(), 6);
        assert_eq!(
            programs.iter().map(|p| p.results.len()).collect::<Vec<_>>(),
            [1, 1, 1, 1, 3, 3]
        );
    }

    #[test]
    fn every_other_operation_is_refused() {
        let text =
            TEXT.split("module").nth(1).map(|rest| format!("module{rest}")).expect("a program");
        let refused =
            |from: &str, to: &str| Program::parse(&text.replace(from, to)).expect_err("refused");
        assert!(
            refused("stablehlo.iota", "stablehlo.sort")
                .contains("unsupported operation 'stablehlo.sort'")
        );
        assert!(refused("applies stablehlo.maximum", "applies stablehlo.xor").contains("'xor'"));
        assert!(refused("compare EQ", "compare GT").contains("'GT'"));
        assert!(refused("%scores = ", "%other = ").contains("unknown value '%scores'"));
        assert!(refused("tensor<6x128xf32>", "tensor<7x128xf32>").contains("does not fit"));
        assert!(refused("HIGHEST]", "DEFAULT]").contains("dot_general"));
        assert!(Program::parse("").is_err());
    }
}
