//! From a data set, as a cell names it, to rows.

use super::synthetic::{self, Mixture};
use super::{Shape, Source};
use crate::cell::{self, Dataset};
use crate::error::{Error, Result};

/// What makes a data set the same data set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// 16 hexadecimal digits: a hash of the bytes of the files and of how they are read, or of the recipe of synthetic rows.
    pub digest: String,
    /// Rows and columns, where that is cheap to know.
    pub shape: Option<Shape>,
}

/// Opens a data set. A text file and a compressed text file are read as a whole here; everything else reads its header only.
pub fn open(dataset: &Dataset) -> Result<Box<dyn Source>> {
    match dataset {
        Dataset::Synthetic { shape, points, dims, clusters, seed } => {
            Ok(Box::new(Mixture::new(*shape, *points, *dims, *clusters, *seed)?))
        }
        Dataset::Catalogue { .. } | Dataset::File { .. } => Err(Error::unavailable("data files cannot be read yet")),
    }
}

/// What makes the data set the same data set, without reading its rows.
pub fn identify(dataset: &Dataset) -> Result<Identity> {
    match dataset {
        Dataset::Synthetic { points, dims, .. } => Ok(Identity {
            digest: cell::short_hash(cell::canonical(&(dataset, synthetic::VERSION)).as_bytes()),
            shape: Some(Shape { rows: *points, dims: *dims as usize }),
        }),
        Dataset::Catalogue { .. } | Dataset::File { .. } => Err(Error::unavailable("data files cannot be read yet")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cell::Synthetic;

    fn recipe(seed: u64) -> Dataset {
        Dataset::Synthetic { shape: Synthetic::Mixture, points: 10, dims: 3, clusters: 2, seed }
    }

    #[test]
    fn a_recipe_is_its_identity() {
        let identity = identify(&recipe(1)).expect("valid");
        assert_eq!(identity, identify(&recipe(1)).expect("valid"));
        assert_ne!(identity.digest, identify(&recipe(2)).expect("valid").digest);
        assert_eq!(identity.digest.len(), 16);
        assert_eq!(identity.shape, Some(Shape { rows: 10, dims: 3 }));
        assert_eq!(open(&recipe(1)).expect("valid").shape(), Shape { rows: 10, dims: 3 });
    }
}
