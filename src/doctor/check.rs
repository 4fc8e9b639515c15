//! One finding.

use serde::Serialize;

use amdahl_record::units;

/// What kind of finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Is {
    /// It can be had.
    Yes,
    /// It cannot; `why` and `help` are there.
    No,
    /// Neither good nor bad.
    Fact,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Check {
    /// What it belongs to.
    pub topic: &'static str,
    /// What was looked at, unique within its topic.
    pub name: String,
    /// What kind of finding.
    pub is: Is,
    /// What was found, for people; empty where yes says all.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub value: String,
    /// A measured time, seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

impl Check {
    fn new(
        topic: &'static str,
        name: impl Into<String>,
        is: Is,
        value: impl Into<String>,
    ) -> Check {
        Check {
            topic,
            name: name.into(),
            is,
            value: value.into(),
            seconds: None,
            why: None,
            help: None,
        }
    }

    /// It can be had.
    pub fn yes(topic: &'static str, name: impl Into<String>, value: impl Into<String>) -> Check {
        Check::new(topic, name, Is::Yes, value)
    }

    /// Something found.
    pub fn fact(topic: &'static str, name: impl Into<String>, value: impl Into<String>) -> Check {
        Check::new(topic, name, Is::Fact, value)
    }

    /// It cannot be had.
    pub fn no(
        topic: &'static str,
        name: impl Into<String>,
        why: impl Into<String>,
        help: impl Into<String>,
    ) -> Check {
        Check {
            why: Some(why.into()),
            help: Some(help.into()),
            ..Check::new(topic, name, Is::No, "")
        }
    }

    /// A measured time, with a remark.
    pub fn time(topic: &'static str, name: impl Into<String>, seconds: f64, remark: &str) -> Check {
        let value = format!("{} {remark}", units::seconds(seconds));
        Check { seconds: Some(seconds), ..Check::new(topic, name, Is::Fact, value.trim_end()) }
    }
}
