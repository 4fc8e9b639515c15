//! One lane: every collective is the identity.

use crate::comm::{Buf, Comm, Lane, Op, Recv, Send};
use amdahl_record::error::{Error, Result};

/// The communicator of a single lane.
#[derive(Debug, Default)]
pub struct Solo;

impl Comm for Solo {
    fn lane(&self) -> Lane {
        Lane::SOLO
    }
    fn barrier(&self) -> Result<()> {
        Ok(())
    }
    fn broadcast(&self, _root: usize, _bytes: &mut [u8]) -> Result<()> {
        Ok(())
    }
    fn all_reduce(&self, _op: Op, _values: Buf<'_>) -> Result<()> {
        Ok(())
    }
    fn all_gather_v(&self, send: &[u8], _counts: &[usize], recv: &mut [u8]) -> Result<()> {
        recv.copy_from_slice(send);
        Ok(())
    }
    fn exchange(&self, sends: &[Send<'_>], recvs: &mut [Recv<'_>]) -> Result<()> {
        match (sends, recvs) {
            ([], []) => Ok(()),
            ([send], [recv]) if send.bytes.len() == recv.bytes.len() => {
                recv.bytes.copy_from_slice(send.bytes);
                Ok(())
            }
            _ => Err(Error::internal("messages of a single lane do not match")),
        }
    }
    fn agree(&self, local: Result<()>) -> Result<()> {
        local
    }
}
