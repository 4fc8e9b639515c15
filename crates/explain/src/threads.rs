//! Many alike things, shared out to the machine's threads.

/// Fewer things than this are done by one thread.
const FEW: usize = 64;

/// What becomes of the items in stretches, in their order: one stretch for each thread, and a single
/// one where there are few items.
pub(crate) fn in_stretches<T: Send, U: Send>(
    items: Vec<T>,
    of: impl Fn(Vec<T>) -> U + Sync,
) -> Vec<U> {
    let threads =
        std::thread::available_parallelism().map_or(1, |n| n.get()).min(items.len() / FEW).max(1);
    if threads == 1 {
        return vec![of(items)];
    }
    let stretch = items.len().div_ceil(threads);
    let mut items = items.into_iter();
    let stretches: Vec<Vec<T>> =
        (0..threads).map(|_| items.by_ref().take(stretch).collect()).collect();
    let of = &of;
    std::thread::scope(|scope| {
        let spawned: Vec<_> =
            stretches.into_iter().map(|stretch| scope.spawn(move || of(stretch))).collect();
        let ended = spawned.into_iter().map(|thread| thread.join());
        ended.map(|end| end.unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_stays() {
        for count in [0, 1, FEW, 10 * FEW + 7] {
            let items: Vec<usize> = (0..count).collect();
            let done = in_stretches(items.clone(), |stretch| stretch);
            assert_eq!(done.concat(), items);
        }
    }
}
