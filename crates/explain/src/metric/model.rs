//! What a workload's model of work says of a scope: its operations, flop, and bytes that cannot be
//! spared.

use crate::metric::scope::{Scope, Span};
use amdahl_record::cell::WorkloadSpec;
use amdahl_record::{Phase, Provenance, Role};
use amdahl_workload::{Operation, PhaseWork, Work};

/// What the workload says of a problem of this size.
#[derive(Clone, Debug)]
pub struct Model {
    /// The variables of the size, in the workload's order; empty where they are not known.
    pub sizes: Vec<f64>,
    /// Its elementary operation, with the phase in which these are made where this one computed.
    pub operation: Option<(Operation, Phase)>,
    /// What an iteration needs at least.
    pub work: Work,
    /// The same by phase, where that is known.
    pub by_phase: Vec<PhaseWork>,
}

impl Model {
    /// Of a problem of so many rows and columns.
    pub fn of(
        spec: &WorkloadSpec,
        rows: Option<u64>,
        columns: Option<u32>,
        offloaded: bool,
    ) -> Model {
        let workload = amdahl_workloads::of(spec);
        let sizes = workload.size(spec, rows, columns).unwrap_or_default();
        Model {
            operation: workload.operation().zip(operates(spec, offloaded)),
            work: workload.work(spec, &sizes),
            by_phase: workload.work_by_phase(spec, &sizes),
            sizes,
        }
    }
}

/// The phase in which a workload's operations are made: on processors that of its model, on
/// accelerators the one in which they compute. None where it counts no operations.
pub fn operates(spec: &WorkloadSpec, offloaded: bool) -> Option<Phase> {
    let operation = amdahl_workloads::of(spec).operation()?;
    if !offloaded {
        return Phase::find(operation.phase);
    }
    let phases = amdahl_workloads::phases(spec);
    Some(phases.into_iter().find(|phase| phase.role() == Role::Offload).unwrap_or(Phase::EXECUTE))
}

impl Scope<'_> {
    /// The elementary operations of all lanes in this span, and what they are.
    ///
    /// # Errors
    /// Where they are made in another phase, or not counted.
    pub fn operations(&self) -> Result<(f64, Provenance, Operation), String> {
        self.all_lanes()?;
        let none = "the workload counts no elementary operation";
        let (operation, phase) = self.model.operation.ok_or(none)?;
        let many = operation.many;
        if self.span != Span::Computing && self.span != Span::Phase(phase) {
            return Err(format!("{many} are made in the {} phase", phase.word()));
        }
        let (count, from) =
            self.size.operations.ok_or_else(|| format!("{many} are not counted"))?;
        Ok((count, from, operation))
    }

    /// Flop of the algorithm in this span, on all lanes: those of the operations that were made;
    /// where the workload has none, those of its model of work.
    ///
    /// # Errors
    /// Why they are not known.
    pub fn flop(&self) -> Result<f64, String> {
        if self.model.operation.is_some() {
            let (count, _, operation) = self.operations()?;
            return Ok((operation.flop_of)(&self.model.sizes) * count);
        }
        let flop = self.modelled(|work| work.flop, |work| work.flop)?;
        if flop > 0.0 {
            Ok(flop)
        } else {
            Err(format!("there are no flop in {}", self.span.word()))
        }
    }

    /// Bytes that this span cannot do without, on all lanes.
    ///
    /// # Errors
    /// Why they are not known.
    pub fn compulsory(&self) -> Result<f64, String> {
        if self.model.operation.is_some() {
            self.operations()?;
            return self.compulsory_in_all();
        }
        let bytes = self.modelled(|work| work.bytes, |work| work.bytes)?;
        if bytes > 0.0 { Ok(bytes) } else { Err("the workload has no model of its bytes".into()) }
    }

    /// Bytes that all iterations cannot do without, whatever the span.
    ///
    /// # Errors
    /// Where they are not known.
    pub fn compulsory_in_all(&self) -> Result<f64, String> {
        let bytes = self.model.work.bytes * self.size.iterations;
        if bytes > 0.0 { Ok(bytes) } else { Err("there are no rows and iterations".into()) }
    }

    /// Of all iterations what the model of work says of this span.
    fn modelled(
        &self,
        of_all: fn(&Work) -> f64,
        of_phase: fn(&PhaseWork) -> f64,
    ) -> Result<f64, String> {
        self.all_lanes()?;
        let an_iteration = match self.span {
            Span::Computing => of_all(&self.model.work),
            Span::Phase(phase) => {
                let mut phases = self.model.by_phase.iter();
                let own = phases.find(|own| own.phase == phase.word()).map(of_phase);
                own.ok_or_else(|| format!("not modelled for the {} phase", phase.word()))?
            }
        };
        Ok(an_iteration * self.size.iterations)
    }
}
