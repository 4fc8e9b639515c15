//! From the manifest as written to axes: every parameter with its values, those that go together, what follows from others, what is
//! dropped. A parameter with one value in [workload] or [dataset] is an axis of one value.

use std::fmt;
use std::ops::Range;

use crate::cell::{BACKENDS, Backend, Synthetic};
use crate::error::Result;
use crate::plan::Machine;
use crate::plan::expression::Expression;
use crate::plan::manifest::{
    Axes, BackendName, Init, Lanes, Manifest, Many, Oversubscribe, Pattern, Real, Scalar, Whole,
};
use crate::plan::place::{At, Text, nearest};

/// A value of an axis.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A number of things, or a seed.
    Whole(u64),
    /// The tolerance.
    Real(f64),
    /// A data set's name or file.
    Word(String),
    /// Where the first centroids come from.
    Init(Init),
    /// How synthetic clusters lie.
    Shape(Synthetic),
    /// A backend.
    Backend(Backend),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Whole(value) => write!(f, "{value}"),
            Value::Real(value) => write!(f, "{value}"),
            Value::Word(word) => f.write_str(word),
            Value::Init(Init::FirstRows) => f.write_str("first-rows"),
            Value::Init(Init::RandomRows) => f.write_str("random-rows"),
            Value::Init(Init::Given(path)) => f.write_str(path),
            Value::Shape(shape) => f.write_str(shape_word(*shape)),
            Value::Backend(backend) => f.write_str(backend.name()),
        }
    }
}

/// The word of a shape in manifests.
pub fn shape_word(shape: Synthetic) -> &'static str {
    match shape {
        Synthetic::Mixture => "mixture",
        Synthetic::Skewed => "skewed",
        Synthetic::Separated => "separated",
    }
}

/// What a parameter's values are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Whole numbers from `least` to `most`.
    Whole {
        /// The smallest.
        least: u64,
        /// The largest.
        most: u64,
    },
    /// Numbers.
    Real,
    /// Words.
    Word,
}

const COUNT: Kind = Kind::Whole { least: 1, most: u32::MAX as u64 };
const SEED: Kind = Kind::Whole { least: 0, most: i64::MAX as u64 };

/// Every parameter of a cell that a manifest can vary. A new one is a line here, a field in `manifest` and a line in `gather`.
pub const PARAMETERS: &[(&str, Kind)] = &[
    ("backend", Kind::Word),
    ("ranks", COUNT),
    ("threads", COUNT),
    ("k", COUNT),
    ("init", Kind::Word),
    ("init-seed", SEED),
    ("iterations", COUNT),
    ("tolerance", Kind::Real),
    ("max-iterations", COUNT),
    ("warmup", Kind::Whole { least: 0, most: u32::MAX as u64 }),
    ("synthetic", Kind::Word),
    ("dataset", Kind::Word),
    ("file", Kind::Word),
    ("points", Kind::Whole { least: 1, most: i64::MAX as u64 }),
    ("dims", COUNT),
    ("clusters", COUNT),
    ("seed", SEED),
];

/// The kind of a parameter.
pub fn kind_of(name: &str) -> Option<Kind> {
    PARAMETERS.iter().find(|(known, _)| *known == name).map(|&(_, kind)| kind)
}

/// One parameter and its values.
#[derive(Clone, Debug)]
pub struct Axis {
    /// Name of the parameter, or of a number of the user's own.
    pub name: String,
    /// Values, at least one.
    pub values: Vec<At<Value>>,
    /// Was it made by "up-to-cores"?
    pub automatic: bool,
    /// Does it stand in [axes] (not as a single value in [workload] or [dataset])?
    pub varied: bool,
}

/// A value that follows from others.
#[derive(Clone, Debug)]
pub struct Derived {
    /// The parameter.
    pub name: String,
    /// How.
    pub expression: Expression,
    /// Where the expression's text stands.
    pub span: Range<usize>,
    /// Does each byte of the expression stand at its own place in the manifest? Not with escapes in it.
    pub verbatim: bool,
}

/// Values of parameters that a cell must have, all of them.
#[derive(Clone, Debug)]
pub struct Match {
    /// Parameter and the values that it may have.
    pub wanted: Vec<(String, Vec<Scalar>)>,
    /// Where it stands.
    pub span: Range<usize>,
}

impl fmt::Display for Match {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (name, values)) in self.wanted.iter().enumerate() {
            let values: Vec<String> = values.iter().map(Scalar::to_string).collect();
            write!(f, "{}{name}={}", if i > 0 { ", " } else { "" }, values.join("|"))?;
        }
        Ok(())
    }
}

/// What is varied.
#[derive(Clone, Debug)]
pub struct Sweep {
    /// All axes.
    pub axes: Vec<Axis>,
    /// Groups of axes (as positions in `axes`) that step together; the groups cross, the first varies slowest.
    pub groups: Vec<Vec<usize>>,
    /// What follows from others.
    pub derived: Vec<Derived>,
    /// What is dropped.
    pub exclude: Vec<Match>,
    /// What may have more lanes than CPUs.
    pub oversubscribe: Oversubscribed,
}

/// What may have more lanes than CPUs.
#[derive(Clone, Debug)]
pub enum Oversubscribed {
    /// All or none.
    All(bool),
    /// Those that match one of these.
    Matching(Vec<Match>),
}

impl Sweep {
    /// The axis of this name.
    pub fn axis(&self, name: &str) -> Option<&Axis> {
        self.axes.iter().find(|axis| axis.name == name)
    }

    /// Has the parameter any value, given or derived?
    pub fn has(&self, name: &str) -> bool {
        self.axis(name).is_some() || self.derived.iter().any(|d| d.name == name)
    }

    /// Checks the manifest's parameters one by one, and what ties them together.
    pub fn new(text: &Text<'_>, manifest: &Manifest, machine: Machine) -> Result<Sweep> {
        let none = Axes::default();
        let wire = manifest.axes.as_ref().map_or(&none, |axes| &axes.value);
        let axes = gather(text, manifest, wire, machine)?;
        let mut sweep = Sweep {
            groups: zip(text, wire, &axes)?,
            axes,
            derived: Vec::new(),
            exclude: Vec::new(),
            oversubscribe: Oversubscribed::All(false),
        };
        sweep.derived = derive(text, wire, &sweep)?;
        let matches = |patterns: &[At<Pattern>]| patterns.iter().map(|p| pattern(text, p, &sweep)).collect();
        let exclude: Result<Vec<Match>> = matches(wire.exclude.as_deref().unwrap_or_default());
        let oversubscribe = match wire.oversubscribe.as_ref().map(|o| &o.value) {
            None => Oversubscribed::All(false),
            Some(Oversubscribe::All(all)) => Oversubscribed::All(*all),
            Some(Oversubscribe::Matching(patterns)) => Oversubscribed::Matching(matches(patterns)?),
        };
        Ok(Sweep { exclude: exclude?, oversubscribe, ..sweep })
    }
}

/// Collects axes, each checked on its own.
struct Gather<'a> {
    text: &'a Text<'a>,
    axes: Vec<Axis>,
}

impl Gather<'_> {
    fn add<T>(
        &mut self,
        name: &str,
        scalar: Option<&At<T>>,
        list: Option<&At<Many<T>>>,
        value_of: impl Fn(&T) -> std::result::Result<Value, (String, Option<String>)>,
    ) -> Result<()> {
        let checked = |value: &T, span: &Range<usize>| match value_of(value) {
            Ok(value) => Ok(At::new(value, span.clone())),
            Err((message, hint)) => {
                let error = self.text.error(span, message);
                Err(match hint {
                    Some(hint) => error.hint(hint),
                    None => error,
                })
            }
        };
        let (values, varied) = match (scalar, list) {
            (None, None) => return Ok(()),
            (Some(scalar), None) => (vec![checked(&scalar.value, &scalar.span)?], false),
            (Some(scalar), Some(list)) => {
                let line = self.text.line(&scalar.span);
                return Err(self
                    .text
                    .error(&list.span, format!("{name} is given twice: as an axis here, as one value in line {line}"))
                    .hint("keep one of them"));
            }
            (None, Some(list)) => {
                (places(list).map(|(value, span)| checked(value, span)).collect::<Result<_>>()?, true)
            }
        };
        if values.is_empty() {
            let span = list.map_or(0..0, |list| list.span.clone());
            return Err(self.text.error(&span, format!("the list of {name} is empty, expected at least one value")));
        }
        self.axes.push(Axis { name: name.into(), values, automatic: false, varied });
        Ok(())
    }

    fn whole(&mut self, name: &str, scalar: Option<&At<Whole>>, list: Option<&At<Many<Whole>>>) -> Result<()> {
        self.add(name, scalar, list, |value| whole(name, value))
    }

    fn lanes(&mut self, name: &str, lanes: Option<&At<Lanes>>, machine: Machine) -> Result<()> {
        match lanes.map(|lanes| (&lanes.value, &lanes.span)) {
            None => Ok(()),
            Some((Lanes::These(values), span)) => {
                self.add(name, None, Some(&At::new(Many(values.clone()), span.clone())), |value| whole(name, value))
            }
            Some((Lanes::UpToCores, span)) => {
                let values = up_to(machine.cpus).map(|n| At::new(Value::Whole(n.into()), span.clone())).collect();
                self.axes.push(Axis { name: name.into(), values, automatic: true, varied: true });
                Ok(())
            }
        }
    }
}

/// The values of a list with their places. A single value stands where the whole stands.
fn places<T>(list: &At<Many<T>>) -> impl Iterator<Item = (&T, &Range<usize>)> {
    list.value.0.iter().map(|v| (&v.value, if v.span.is_empty() { &list.span } else { &v.span }))
}

/// Powers of two up to `cpus`, and `cpus` itself.
pub fn up_to(cpus: u32) -> impl Iterator<Item = u32> {
    let powers = (0..32).map(|i| 1u32 << i).take_while(move |&n| n < cpus.max(1));
    powers.chain(std::iter::once(cpus.max(1)))
}

fn whole(name: &str, value: &Whole) -> std::result::Result<Value, (String, Option<String>)> {
    let (least, most) = match kind_of(name) {
        Some(Kind::Whole { least, most }) => (least, most),
        _ => (1, i64::MAX as u64),
    };
    match u64::try_from(value.0) {
        Ok(value) if value < least => Err((format!("{name}: expected at least {least}, got {value}"), None)),
        Ok(value) if value > most => Err((format!("{name}: expected at most {most}, got {value}"), None)),
        Ok(value) => Ok(Value::Whole(value)),
        Err(_) => Err((format!("{name}: expected at least {least}, got {}", value.0), None)),
    }
}

fn real(name: &str, value: &Real) -> std::result::Result<Value, (String, Option<String>)> {
    match value.0 {
        value if value.is_finite() && value >= 0.0 => Ok(Value::Real(value)),
        value => Err((format!("{name}: expected a finite number of at least 0, got {value}"), None)),
    }
}

fn backend(name: &str) -> std::result::Result<Value, (String, Option<String>)> {
    Backend::from_name(name).map(Value::Backend).ok_or_else(|| {
        let known: Vec<&str> = BACKENDS.iter().map(|(known, ..)| *known).collect();
        (format!("unknown backend '{name}'"), Some(nearest(name, &known)))
    })
}

fn dataset(name: &str) -> std::result::Result<Value, (String, Option<String>)> {
    let known = known_datasets();
    if known.contains(&name) {
        Ok(Value::Word(name.into()))
    } else {
        Err((format!("unknown data set '{name}'"), Some(nearest(name, &known))))
    }
}

/// Names in the catalogue of real data sets.
fn known_datasets() -> Vec<&'static str> {
    vec![
        "mnist-t10k",
        "digits",
        "iris",
        "wine",
        "breast-cancer",
        "color100",
        "color17695",
        "edge17695",
        "texture17695",
        "covertype-ramp",
        "letter",
    ]
}

fn gather(text: &Text<'_>, manifest: &Manifest, axes: &Axes, machine: Machine) -> Result<Vec<Axis>> {
    let mut g = Gather { text, axes: Vec::new() };
    let backends = axes.backend.as_ref();
    g.add("backend", None, backends, |name: &BackendName| backend(&name.0))?;
    g.lanes("ranks", axes.ranks.as_ref(), machine)?;
    g.lanes("threads", axes.threads.as_ref(), machine)?;
    if let Some(w) = manifest.workload.as_ref().map(|w| &w.value) {
        let init = |value: &Init| Ok(Value::Init(value.clone()));
        g.whole("k", w.k.as_ref(), axes.k.as_ref())?;
        g.add("init", w.init.as_ref(), axes.init.as_ref(), init)?;
        g.whole("init-seed", w.init_seed.as_ref(), axes.init_seed.as_ref())?;
        g.whole("iterations", w.iterations.as_ref(), axes.iterations.as_ref())?;
        g.add("tolerance", w.tolerance.as_ref(), axes.tolerance.as_ref(), |v| real("tolerance", v))?;
        g.whole("max-iterations", w.max_iterations.as_ref(), axes.max_iterations.as_ref())?;
        g.whole("warmup", w.warmup.as_ref(), axes.warmup.as_ref())?;
    }
    if let Some(d) = manifest.dataset.as_ref().map(|d| &d.value) {
        let shape = |value: &Synthetic| Ok(Value::Shape(*value));
        g.add("synthetic", d.synthetic.as_ref(), axes.synthetic.as_ref(), shape)?;
        g.add("dataset", d.name.as_ref(), axes.dataset.as_ref(), |name| dataset(name))?;
        g.add("file", d.file.as_ref(), axes.file.as_ref(), |file| Ok(Value::Word(file.clone())))?;
        g.whole("points", d.points.as_ref(), axes.points.as_ref())?;
        g.whole("dims", d.dims.as_ref(), axes.dims.as_ref())?;
        g.whole("clusters", d.clusters.as_ref(), axes.clusters.as_ref())?;
        g.whole("seed", d.seed.as_ref(), axes.seed.as_ref())?;
    }
    for (name, values) in axes.lets.iter().flatten() {
        if !name.value.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
            || name.value.starts_with(|c: char| c.is_ascii_digit())
        {
            let message = format!("let: '{}' is not a name, expected letters, digits and '_'", name.value);
            return Err(text.error(&name.span, message).hint(format!("try '{}'", name.value.replace('-', "_"))));
        }
        if kind_of(&name.value.replace('_', "-")).is_some() || ["lanes", "cpus"].contains(&name.value.as_str()) {
            let message = format!("let: '{}' has a meaning already", name.value);
            return Err(text.error(&name.span, message).hint("take another name"));
        }
        g.whole(&name.value, None, Some(values))?;
    }
    // As written: the first axis varies slowest. Single values come first and vary nothing.
    g.axes.sort_by_key(|axis| if axis.varied { axis.values[0].span.start + 1 } else { 0 });
    Ok(g.axes)
}

/// Groups of axes that step together.
fn zip(text: &Text<'_>, wire: &Axes, axes: &[Axis]) -> Result<Vec<Vec<usize>>> {
    let mut group_of: Vec<Option<usize>> = vec![None; axes.len()];
    let mut zipped: Vec<Vec<usize>> = Vec::new();
    for names in wire.zip.iter().flatten() {
        let mut group: Vec<usize> = Vec::new();
        for name in &names.value {
            let Some(at) = axes.iter().position(|axis| axis.varied && axis.name == name.value) else {
                let varied: Vec<&str> = axes.iter().filter(|a| a.varied).map(|a| a.name.as_str()).collect();
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
                return Err(text.error(&name.span, message).hint("give both as many values, or let them cross"));
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

/// Reads the expressions and checks that all their names have values.
fn derive(text: &Text<'_>, wire: &Axes, sweep: &Sweep) -> Result<Vec<Derived>> {
    let numbers: Vec<&str> = PARAMETERS.iter().filter(|p| matches!(p.1, Kind::Whole { .. })).map(|p| p.0).collect();
    let mut derived: Vec<Derived> = Vec::new();
    for (name, formula) in wire.derive.iter().flatten() {
        if !numbers.contains(&name.value.as_str()) {
            let message = format!("derive: '{}' is not a parameter that is a whole number", name.value);
            return Err(text.error(&name.span, message).hint(nearest(&name.value, &numbers)));
        }
        if let Some(axis) = sweep.axis(&name.value) {
            let line = text.line(&axis.values[0].span);
            let message = format!("{} is given twice: derived here, and in line {line}", name.value);
            return Err(text.error(&name.span, message).hint("keep one of them"));
        }
        let inside = formula.span.start + 1..formula.span.end.saturating_sub(1);
        let mut one = Derived {
            name: name.value.clone(),
            expression: Expression::parse("0").map_err(|w| text.error(&name.span, w.message))?,
            verbatim: text.text.get(inside) == Some(formula.value.as_str()),
            span: formula.span.clone(),
        };
        one.expression = Expression::parse(&formula.value)
            .map_err(|wrong| text.error(&one.place(wrong.offset), format!("{}: {}", name.value, wrong.message)))?;
        derived.push(one);
    }
    for one in &derived {
        for (name, offset) in one.expression.names() {
            let written = name.replace('_', "-");
            let given = |name: &str| sweep.has(name) || derived.iter().any(|d| d.name == name);
            let problem = match kind_of(&written) {
                _ if name == "lanes"
                    || name == "cpus"
                    || sweep.axis(name).is_some_and(|a| kind_of(&a.name).is_none()) =>
                {
                    continue;
                }
                Some(Kind::Whole { .. }) if given(&written) || written == "ranks" || written == "threads" => continue,
                Some(Kind::Whole { .. }) => format!("'{name}' has no value in this manifest"),
                Some(_) => format!("'{name}' is not a whole number"),
                None => format!("unknown name '{name}'"),
            };
            let mut known = vec!["lanes".into(), "cpus".into()];
            known.extend(
                sweep.axes.iter().map(|a| &a.name).chain(derived.iter().map(|d| &d.name)).filter_map(|n| {
                    (!matches!(kind_of(n), Some(Kind::Real | Kind::Word))).then(|| n.replace('-', "_"))
                }),
            );
            let known: Vec<&str> = known.iter().map(String::as_str).collect();
            let error = text.error(&one.place(offset), format!("{}: {problem}", one.name));
            return Err(error.hint(nearest(name, &known)));
        }
    }
    for one in &derived {
        let mut seen = Vec::new();
        let mut open = vec![one.name.clone()];
        while let Some(name) = open.pop() {
            let parts: Vec<String> = match derived.iter().find(|d| d.name == name) {
                _ if name == "lanes" => vec!["ranks".into(), "threads".into()],
                Some(d) => d.expression.names().iter().map(|(n, _)| n.replace('_', "-")).collect(),
                None => continue,
            };
            if parts.contains(&one.name) {
                return Err(text.error(&one.span, format!("{} is derived from itself", one.name)));
            }
            open.extend(parts.into_iter().filter(|part| !seen.contains(part)));
            seen.extend(open.iter().cloned());
        }
    }
    Ok(derived)
}

impl Derived {
    /// The place of a byte of the expression.
    pub fn place(&self, offset: usize) -> Range<usize> {
        if self.verbatim { self.span.start + 1 + offset..self.span.end } else { self.span.clone() }
    }
}

fn pattern(text: &Text<'_>, pattern: &At<Pattern>, sweep: &Sweep) -> Result<Match> {
    let mut wanted = Vec::new();
    for (name, values) in &pattern.value {
        let own = sweep.axis(&name.value);
        let kind = match kind_of(&name.value) {
            Some(kind) => kind,
            None if name.value == "lanes" || own.is_some() => COUNT,
            None => {
                let mut known: Vec<&str> = PARAMETERS.iter().map(|p| p.0).chain(["lanes"]).collect();
                known.extend(sweep.axes.iter().map(|a| a.name.as_str()).filter(|n| kind_of(n).is_none()));
                let error = text.error(&name.span, format!("unknown axis '{}'", name.value));
                return Err(error.hint(nearest(&name.value, &known)));
            }
        };
        let mut scalars = Vec::new();
        for (value, span) in places(values) {
            let expected = match (kind, value) {
                (Kind::Whole { .. }, Scalar::Whole(_)) | (Kind::Real, Scalar::Whole(_) | Scalar::Real(_)) => None,
                (Kind::Whole { .. }, _) => Some("a whole number"),
                (Kind::Real, _) => Some("a number"),
                (Kind::Word, Scalar::Word(_)) => None,
                (Kind::Word, _) => Some("a text"),
            };
            if let Some(expected) = expected {
                return Err(text.error(span, format!("{}: expected {expected}", name.value)));
            }
            if let (Scalar::Word(word), Some(own)) = (value, own) {
                let values: Vec<String> = own.values.iter().map(|v| v.value.to_string()).collect();
                if !values.contains(word) {
                    let known: Vec<&str> = values.iter().map(String::as_str).collect();
                    let error = text.error(span, format!("'{word}' is not a value of {}", name.value));
                    return Err(error.hint(nearest(word, &known)));
                }
            }
            scalars.push(value.clone());
        }
        if scalars.is_empty() {
            return Err(
                text.error(&values.span, format!("the list of {} is empty, expected at least one value", name.value))
            );
        }
        wanted.push((name.value.clone(), scalars));
    }
    if wanted.is_empty() {
        return Err(text.error(&pattern.span, "an empty table matches every cell").hint("name axes and values in it"));
    }
    Ok(Match { wanted, span: pattern.span.clone() })
}
