//! What the lanes of one process share, whatever a workload wants that to be.

use std::any::Any;
use std::sync::{Arc, Mutex, PoisonError};

/// One value of each type that a program asks for, made by the first lane that asks.
#[derive(Default)]
pub struct ProcessShared(Mutex<Vec<Arc<dyn Any + Send + Sync>>>);

impl ProcessShared {
    /// The value of this type, made by `make` where no lane of the process has asked before.
    pub fn get<T: Any + Send + Sync>(&self, make: impl FnOnce() -> T) -> Arc<T> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(value) = known.iter().find_map(|value| value.clone().downcast::<T>().ok()) {
            return value;
        }
        let value = Arc::new(make());
        known.push(value.clone());
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes_get_the_same_value_and_types_their_own() {
        let shared = ProcessShared::default();
        let first = shared.get(|| vec![1]);
        assert!(Arc::ptr_eq(&first, &shared.get(|| vec![2])));
        assert_eq!(*shared.get(|| "other"), "other");
    }
}
