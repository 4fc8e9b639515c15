//! What ties axes together: those that step hand in hand, values that follow from others, and
//! tables that cells must match. All names in them are checked here, so that nothing is misspelt
//! when cells are made.

use std::ops::Range;

use crate::plan::axes::{Axis, Derived, Match, Sweep, places};
use crate::plan::expression::Expression;
use crate::plan::manifest::Pattern;
use crate::plan::parameters::{self, is_whole, kind_of};
use crate::plan::place::{At, Text, nearest};
use crate::plan::sections::Axes;
use crate::plan::written::Scalar;
use amdahl_record::error::Result;
use amdahl_workload::parameter::{COUNT, Kind};

/// Groups of axes that step together.
pub fn zip(text: &Text<'_>, wire: &Axes, axes: &[Axis]) -> Result<Vec<Vec<usize>>> {
    let mut group_of: Vec<Option<usize>> = vec![None; axes.len()];
    let mut zipped: Vec<Vec<usize>> = Vec::new();
    for names in wire.zip.iter().flatten() {
        let mut group: Vec<usize> = Vec::new();
        for name in &names.value {
            let Some(at) = axes.iter().position(|axis| axis.varied && axis.name == name.value)
            else {
                let varied: Vec<&str> =
                    axes.iter().filter(|a| a.varied).map(|a| a.name.as_str()).collect();
                let message = format!("zip: '{}' is not one of the axes", name.value);
                return Err(text.error(&name.span, message).hint(nearest(&name.value, &varied)));
            };
            if group_of[at].is_some() {
                return Err(text.error(&name.span, format!("zip: '{}' is in it twice", name.value)));
            }
            group_of[at] = Some(zipped.len());
            if let Some(&first) = group.first()
                && axes[first].values.len() != axes[at].values.len()
            {
                let (a, b) = (&axes[first], &axes[at]);
                let message = format!(
                    "zip: lists of unequal length: {} has {} values, {} has {}",
                    a.name,
                    a.values.len(),
                    b.name,
                    b.values.len()
                );
                return Err(text
                    .error(&name.span, message)
                    .hint("give both as many values, or let them cross"));
            }
            group.push(at);
        }
        if group.len() < 2 {
            return Err(text.error(&names.span, "zip: expected the names of at least two axes"));
        }
        zipped.push(group);
    }
    let mut groups = Vec::new();
    for (at, group) in group_of.iter().enumerate() {
        match group {
            None => groups.push(vec![at]),
            Some(g) if !groups.contains(&zipped[*g]) => groups.push(zipped[*g].clone()),
            Some(_) => {}
        }
    }
    Ok(groups)
}

/// Reads the expressions and checks that all their names have values that do not come back to
/// themselves.
pub fn derive(text: &Text<'_>, wire: &Axes, sweep: &Sweep) -> Result<Vec<Derived>> {
    let numbers: Vec<&str> =
        parameters::all().filter(|(_, kind)| is_whole(*kind)).map(|(name, _)| name).collect();
    let mut derived: Vec<Derived> = Vec::new();
    for (name, formula) in wire.derive.iter().flatten() {
        if !numbers.contains(&name.value.as_str()) {
            let message =
                format!("derive: '{}' is not a parameter that is a whole number", name.value);
            return Err(text.error(&name.span, message).hint(nearest(&name.value, &numbers)));
        }
        if let Some(axis) = sweep.axis(&name.value) {
            let line = text.line(&axis.values[0].span);
            let message =
                format!("{} is given twice: derived here, and in line {line}", name.value);
            return Err(text.error(&name.span, message).hint("keep one of them"));
        }
        let inside = formula.span.start + 1..formula.span.end.saturating_sub(1);
        let verbatim = text.text.get(inside) == Some(formula.value.as_str());
        let expression = Expression::parse(&formula.value).map_err(|wrong| {
            let place = place(&formula.span, verbatim, wrong.offset);
            text.error(&place, format!("{}: {}", name.value, wrong.message))
        })?;
        derived.push(Derived {
            name: name.value.clone(),
            expression,
            span: formula.span.clone(),
            verbatim,
        });
    }
    for one in &derived {
        check_names(text, one, &derived, sweep)?;
        check_circles(text, one, &derived)?;
    }
    Ok(derived)
}

/// Every name in the expression is a whole number that the manifest gives a value.
fn check_names(text: &Text<'_>, one: &Derived, derived: &[Derived], sweep: &Sweep) -> Result<()> {
    let own = |name: &str| sweep.axis(name).is_some_and(|axis| kind_of(&axis.name).is_none());
    let given = |name: &str| sweep.has(name) || derived.iter().any(|d| d.name == name);
    for (name, offset) in one.expression.names() {
        let parameter = name.replace('_', "-");
        if ["lanes", "cpus", "ranks", "threads"].contains(&name) || own(name) {
            continue;
        }
        let problem = match kind_of(&parameter) {
            Some(Kind::Whole { .. }) if given(&parameter) => continue,
            Some(Kind::Whole { .. }) => format!("'{name}' has no value in this manifest"),
            Some(_) => format!("'{name}' is not a whole number"),
            None => format!("unknown name '{name}'"),
        };
        let numbers =
            sweep.axes.iter().map(|axis| &axis.name).chain(derived.iter().map(|d| &d.name));
        let numbers = numbers.filter(|name| kind_of(name).is_none_or(is_whole));
        let known: Vec<String> = ["lanes".into(), "cpus".into()]
            .into_iter()
            .chain(numbers.map(|name| name.replace('-', "_")))
            .collect();
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        let error = text.error(&one.place(offset), format!("{}: {problem}", one.name));
        return Err(error.hint(nearest(name, &known)));
    }
    Ok(())
}

/// No value needs itself.
fn check_circles(text: &Text<'_>, one: &Derived, derived: &[Derived]) -> Result<()> {
    let mut seen = Vec::new();
    let mut open = vec![one.name.clone()];
    while let Some(name) = open.pop() {
        let parts: Vec<String> = match derived.iter().find(|d| d.name == name) {
            Some(d) => {
                d.expression.names().iter().map(|(name, _)| name.replace('_', "-")).collect()
            }
            None if name == "lanes" => vec!["ranks".into(), "threads".into()],
            None => continue,
        };
        if parts.contains(&one.name) {
            return Err(text.error(&one.span, format!("{} is derived from itself", one.name)));
        }
        open.extend(parts.into_iter().filter(|part| !seen.contains(part)));
        seen.extend(open.iter().cloned());
    }
    Ok(())
}

/// The place of a byte of an expression's text, which stands at `span` with its quotes.
fn place(span: &Range<usize>, verbatim: bool, offset: usize) -> Range<usize> {
    if verbatim { span.start + 1 + offset..span.end } else { span.clone() }
}

impl Derived {
    /// The place of a byte of the expression.
    pub fn place(&self, offset: usize) -> Range<usize> {
        place(&self.span, self.verbatim, offset)
    }
}

/// Checks the names and the words of a table that cells must match.
pub fn pattern(text: &Text<'_>, pattern: &At<Pattern>, sweep: &Sweep) -> Result<Match> {
    let mut wanted = Vec::new();
    for (name, values) in &pattern.value {
        let own = sweep.axis(&name.value);
        let kind = match kind_of(&name.value) {
            Some(kind) => kind,
            None if name.value == "lanes" || own.is_some() => COUNT,
            None => {
                let mut known = parameters::names();
                known.push("lanes");
                known.extend(
                    sweep.axes.iter().map(|a| a.name.as_str()).filter(|n| kind_of(n).is_none()),
                );
                let error = text.error(&name.span, format!("unknown axis '{}'", name.value));
                return Err(error.hint(nearest(&name.value, &known)));
            }
        };
        let mut scalars = Vec::new();
        for (value, span) in places(values) {
            let expected = match (kind, value) {
                (Kind::Whole { .. }, Scalar::Whole(_))
                | (Kind::Real, Scalar::Whole(_) | Scalar::Real(_)) => None,
                (Kind::Whole { .. }, _) => Some("a whole number"),
                (Kind::Real, _) => Some("a number"),
                (_, Scalar::Word(_)) => None,
                _ => Some("a text"),
            };
            if let Some(expected) = expected {
                return Err(
                    text.error(span, format!("{}: expected {expected}, got {value}", name.value))
                );
            }
            if let (Scalar::Word(word), Some(own)) = (value, own) {
                let values: Vec<String> = own.values.iter().map(|v| v.value.to_string()).collect();
                if !values.contains(word) {
                    let known: Vec<&str> = values.iter().map(String::as_str).collect();
                    let error =
                        text.error(span, format!("'{word}' is not a value of {}", name.value));
                    return Err(error.hint(nearest(word, &known)));
                }
            }
            scalars.push(value.clone());
        }
        if scalars.is_empty() {
            return Err(text.error(
                &values.span,
                format!("the list of {} is empty, expected at least one value", name.value),
            ));
        }
        wanted.push((name.value.clone(), scalars));
    }
    if wanted.is_empty() {
        return Err(text
            .error(&pattern.span, "an empty table matches every cell")
            .hint("name axes and values in it"));
    }
    Ok(Match { wanted, span: pattern.span.clone() })
}
