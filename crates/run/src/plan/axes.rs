//! From the manifest as written to axes: every parameter with its values, those that go together,
//! what follows from others, what is dropped. A parameter with one value in [workload] or [dataset]
//! is an axis of one value.

use std::fmt;
use std::ops::Range;

use crate::plan::Machine;
use crate::plan::expression::Expression;
use crate::plan::manifest::{BackendName, Manifest, Pattern};
use crate::plan::parameters::{self, kind_of};
use crate::plan::peers::Peers;
use crate::plan::place::{At, Text, nearest};
use crate::plan::sections::{Axes, Workload};
use crate::plan::ties;
use crate::plan::written::{Lanes, Many, Oversubscribe, Scalar, Whole};
use amdahl_data::{catalogue, format};
use amdahl_record::cell::{BACKENDS, Backend, Synthetic};
use amdahl_record::error::{Error, Result};
use amdahl_workload::parameter::Kind;

/// A value of an axis.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A number of things, or a seed.
    Whole(u64),
    /// A number.
    Real(f64),
    /// One of a few words, or a data set's name.
    Word(String),
    /// A file as it is written, relative to the manifest's folder.
    File(String),
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
            Value::Word(word) | Value::File(word) => f.write_str(word),
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
    /// Does each byte of the expression stand at its own place in the manifest? Not with escapes in
    /// it.
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
    /// Groups of axes (as positions in `axes`) that step together; the groups cross, the first
    /// varies slowest.
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

    /// Where the parameter gets its value.
    pub fn place(&self, name: &str) -> Option<Range<usize>> {
        let given = self.axis(name).map(|axis| axis.values[0].span.clone());
        given.or_else(|| self.derived.iter().find(|d| d.name == name).map(|d| d.span.clone()))
    }

    /// The error of two parameters that exclude each other, where both are given.
    pub fn not_together(&self, text: &Text<'_>, a: &str, b: &str, why: &str) -> Option<Error> {
        let (first, second) = (self.place(a)?, self.place(b)?);
        let (first, second, name) =
            if first.start < second.start { (first, second, b) } else { (second, first, a) };
        let word = |name: &str| if name == "dataset" { "name".to_string() } else { name.into() };
        let other = word(if name == a { b } else { a });
        let line = text.line(&first);
        let message = format!("{} does not go with {other} in line {line}", word(name));
        Some(text.error(&second, message).hint(why))
    }

    /// Parameters that exclude each other, and those that belong to data sets of another kind.
    fn fits_together(&self, text: &Text<'_>, manifest: &Manifest) -> Result<()> {
        let rows = "rows are synthetic, or of a data set with a name, or of a file";
        for (a, b, why) in
            [("synthetic", "dataset", rows), ("synthetic", "file", rows), ("dataset", "file", rows)]
        {
            if let Some(error) = self.not_together(text, a, b, why) {
                return Err(error);
            }
        }
        for name in ["dims", "clusters"] {
            if let Some(place) = self.place(name)
                && self.place("synthetic").is_none()
                && (self.has("dataset") || self.has("file"))
            {
                let message = format!(
                    "{name} belongs to synthetic rows; those of a real data set are what they are"
                );
                return Err(text.error(&place, message).hint(format!("leave out {name}")));
            }
        }
        let written = manifest.dataset.as_ref().map(|d| &d.value);
        let format = written.and_then(|d| d.format.as_ref()).map(|format| ("format", &format.span));
        let labels = written.and_then(|d| d.labels.as_ref()).map(|labels| ("labels", &labels.span));
        if let Some(At { value, span }) = written.and_then(|d| d.format.as_ref())
            && format::by_name(value).is_err()
        {
            let known: Vec<&str> = format::FORMATS.iter().map(|format| format.name).collect();
            return Err(text
                .error(span, format!("unknown data format '{value}'"))
                .hint(nearest(value, &known)));
        }
        let dataset =
            written.and_then(|d| d.dataset.as_ref()).map(|dataset| ("dataset", &dataset.span));
        match format.or(dataset).or(labels) {
            Some((name, span)) if !self.has("file") => Err(text
                .error(span, format!("{name} belongs to a file, and there is none"))
                .hint(format!("leave out {name}"))),
            _ => Ok(()),
        }
    }

    /// Checks the manifest's parameters one by one, and what ties them together.
    pub fn new(
        text: &Text<'_>,
        manifest: &Manifest,
        machine: Machine,
        peers: &Peers,
        kind: &dyn amdahl_workload::Workload,
    ) -> Result<Sweep> {
        let none = Axes::default();
        let wire = manifest.axes.as_ref().map_or(&none, |axes| &axes.value);
        let axes = gather(text, manifest, wire, machine, peers, kind)?;
        let mut sweep = Sweep {
            groups: ties::zip(text, wire, &axes)?,
            axes,
            derived: Vec::new(),
            exclude: Vec::new(),
            oversubscribe: Oversubscribed::All(false),
        };
        sweep.derived = ties::derive(text, wire, &sweep)?;
        sweep.fits_together(text, manifest)?;
        let matches = |patterns: &[At<Pattern>]| {
            patterns.iter().map(|p| ties::pattern(text, p, &sweep)).collect()
        };
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
                    .error(
                        &list.span,
                        format!(
                            "{name} is given twice: as an axis here, as one value in line {line}"
                        ),
                    )
                    .hint("keep one of them"));
            }
            (None, Some(list)) => (
                places(list).map(|(value, span)| checked(value, span)).collect::<Result<_>>()?,
                true,
            ),
        };
        if values.is_empty() {
            let span = list.map_or(0..0, |list| list.span.clone());
            return Err(self.text.error(
                &span,
                format!("the list of {name} is empty, expected at least one value"),
            ));
        }
        self.axes.push(Axis { name: name.into(), values, automatic: false, varied });
        Ok(())
    }

    fn whole(
        &mut self,
        name: &str,
        scalar: Option<&At<Whole>>,
        list: Option<&At<Many<Whole>>>,
    ) -> Result<()> {
        self.add(name, scalar, list, |value| whole(name, value))
    }

    fn lanes(&mut self, name: &str, lanes: Option<&At<Lanes>>, machine: Machine) -> Result<()> {
        match lanes.map(|lanes| (&lanes.value, &lanes.span)) {
            None => Ok(()),
            Some((Lanes::These(values), span)) => {
                self.add(name, None, Some(&At::new(Many(values.clone()), span.clone())), |value| {
                    whole(name, value)
                })
            }
            Some((Lanes::UpToCores, span)) => {
                let most = if name == "ranks" { machine.all() } else { machine.cpus };
                let values =
                    up_to(most).map(|n| At::new(Value::Whole(n.into()), span.clone())).collect();
                self.axes.push(Axis { name: name.into(), values, automatic: true, varied: true });
                Ok(())
            }
        }
    }
}

/// The values of a list with their places. A single value stands where the whole stands.
pub fn places<T>(list: &At<Many<T>>) -> impl Iterator<Item = (&T, &Range<usize>)> {
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
        Ok(value) if (least..=most).contains(&value) => Ok(Value::Whole(value)),
        _ => Err((format!("{name}: expected {}, got {}", range(least, most), value.0), None)),
    }
}

/// "a whole number of at least 1", with the largest where that is not just the largest there is.
pub fn range(least: u64, most: u64) -> String {
    match most {
        _ if most >= i64::MAX as u64 => format!("a whole number of at least {least}"),
        _ => format!("a whole number from {least} to {most}"),
    }
}

/// A backend of ours, or an outside program of the list.
pub fn backend(
    name: &str,
    peers: &Peers,
) -> std::result::Result<Backend, (String, Option<String>)> {
    let peer = || peers.get(name).map(|declared| Backend::Peer(declared.peer.clone()));
    Backend::from_name(name).or_else(peer).ok_or_else(|| {
        let known: Vec<&str> =
            BACKENDS.iter().map(|(known, ..)| *known).chain(peers.names()).collect();
        (format!("unknown backend '{name}'"), Some(nearest(name, &known)))
    })
}

fn dataset(name: &str) -> std::result::Result<Value, (String, Option<String>)> {
    match catalogue::sets() {
        Ok(sets) if sets.iter().any(|set| set.name == name) => Ok(Value::Word(name.into())),
        Ok(sets) => {
            let known: Vec<&str> = sets.iter().map(|set| set.name.as_str()).collect();
            Err((format!("unknown data set '{name}'"), Some(nearest(name, &known))))
        }
        Err(error) => Err((error.message, error.hint)),
    }
}

fn gather(
    text: &Text<'_>,
    manifest: &Manifest,
    axes: &Axes,
    machine: Machine,
    peers: &Peers,
    kind: &dyn amdahl_workload::Workload,
) -> Result<Vec<Axis>> {
    let mut g = Gather { text, axes: Vec::new() };
    let backends = axes.backend.as_ref();
    g.add("backend", None, backends, |name: &BackendName| {
        backend(&name.0, peers).map(Value::Backend)
    })?;
    g.lanes("ranks", axes.ranks.as_ref(), machine)?;
    g.lanes("threads", axes.threads.as_ref(), machine)?;
    let none = Workload::default();
    let section = manifest.workload.as_ref().map_or(&none, |w| &w.value);
    for parameter in &parameters::entries(Some(kind)) {
        let (one, list) = (section.get(parameter.name), axes.get(parameter.name));
        let place = if list.is_some() { "axes" } else { "workload" };
        g.add(parameter.name, one, list, |written| {
            parameters::checked(parameter, written, place)
                .map_err(|misfit| (misfit.message, misfit.hint))
        })?;
    }
    if let Some(d) = manifest.dataset.as_ref().map(|d| &d.value) {
        let shape = |value: &Synthetic| Ok(Value::Shape(*value));
        g.add("synthetic", d.synthetic.as_ref(), axes.synthetic.as_ref(), shape)?;
        g.add("dataset", d.name.as_ref(), axes.dataset.as_ref(), |name| dataset(name))?;
        g.add("file", d.file.as_ref(), axes.file.as_ref(), |file| Ok(Value::File(file.clone())))?;
        g.whole("points", d.points.as_ref(), axes.points.as_ref())?;
        g.whole("dims", d.dims.as_ref(), axes.dims.as_ref())?;
        g.whole("clusters", d.clusters.as_ref(), axes.clusters.as_ref())?;
        g.whole("seed", d.seed.as_ref(), axes.seed.as_ref())?;
    }
    for (name, values) in axes.lets.iter().flatten() {
        if !name.value.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
            || name.value.starts_with(|c: char| c.is_ascii_digit())
        {
            let message =
                format!("let: '{}' is not a name, expected letters, digits and '_'", name.value);
            return Err(text
                .error(&name.span, message)
                .hint(format!("try '{}'", name.value.replace('-', "_"))));
        }
        if kind_of(&name.value.replace('_', "-")).is_some()
            || ["lanes", "cpus"].contains(&name.value.as_str())
        {
            let message = format!("let: '{}' has a meaning already", name.value);
            return Err(text.error(&name.span, message).hint("take another name"));
        }
        g.whole(&name.value, None, Some(values))?;
    }
    // As written: the first axis varies slowest. Single values come first and vary nothing.
    g.axes.sort_by_key(|axis| if axis.varied { axis.values[0].span.start + 1 } else { 0 });
    Ok(g.axes)
}
