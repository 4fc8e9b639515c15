//! The nearest of many centroids where a score takes little: most of the work is then to find the
//! best score, not to compute them.
//!
//! Only the best score of each block of centroids is compared with the best so far. At the end a
//! row's best block is scored once more, centroids in vector lanes, to find which of it was best
//! and what was second. The scores are the same bits both times: the same operations in the same
//! order.

use crate::device::cpu::nearest::Nearest;
use crate::device::cpu::tiles::TILE;
use crate::device::cpu::vector::Vector;

/// Does it take less? It saves some four operations of a vector for every centroid, and costs each
/// row some two for each column and forty for the search of its block.
pub fn pays(k: usize, dims: usize) -> bool {
    k >= 16 * dims + 256
}

/// What is best among the centroids so far, for P vectors of rows.
struct Top<V, const P: usize> {
    best: [V; P],
    /// The best of all blocks but the best one.
    second: [V; P],
    block: [V; P],
}

/// Labels the rows of a tile.
///
/// # Safety
/// The processor has the instructions of `V`; the lengths of tile and panel are what [`Nearest`] asserts.
#[inline(always)]
pub unsafe fn label<
    V: Vector,
    const P: usize,
    const Q: usize,
    const CERTIFY: bool,
    const KEEP: bool,
>(
    work: Nearest<'_, CERTIFY, KEEP>,
) {
    const { assert!(Q <= V::WIDTH) };
    let Nearest { panel, tile, ahead, threshold, old, found } = work;
    let dims = panel.centroids.dims;
    found.old = old.widen();
    (found.undecided, found.changed) = (0, 0);
    let mut blocks = [0u32; TILE];
    let mut seconds = [f32::NEG_INFINITY; TILE];
    for group in (0..TILE).step_by(P * V::WIDTH) {
        // SAFETY: reads stay within the tile, the packed centroids and their starts, writes within
        // the arrays of TILE. The instructions are the caller's promise.
        unsafe {
            let worst = [V::splat(f32::NEG_INFINITY); P];
            let mut top = Top { best: worst, second: worst, block: [V::splat_bits(0); P] };
            let rows = tile.as_ptr().add(group);
            for line in (0..dims * TILE).step_by(TILE) {
                for at in (0..P * V::WIDTH).step_by(16) {
                    V::prefetch(ahead.wrapping_add(group + line + at));
                }
            }
            for (b, block) in panel.blocks.iter().enumerate() {
                let packed = panel.packed.as_ptr().add(block.start * dims);
                let starts = panel.starts.as_ptr().add(block.start);
                let number = V::splat_bits(b as u32);
                // Blocks are as equal as possible, so these are all their sizes.
                match block.len() == Q {
                    true => {
                        best_of::<V, P, Q, CERTIFY>(rows, packed, starts, dims, number, &mut top)
                    }
                    false => shorter::<V, P, Q, CERTIFY>(
                        block.len(),
                        rows,
                        packed,
                        starts,
                        dims,
                        number,
                        &mut top,
                    ),
                }
            }
            for p in 0..P {
                let first = group + p * V::WIDTH;
                top.block[p].store(blocks.as_mut_ptr().add(first).cast());
                top.second[p].store(seconds.as_mut_ptr().add(first));
            }
        }
    }
    for lane in 0..TILE {
        let block = panel.blocks[blocks[lane] as usize].clone();
        let mut scores = [f32::NEG_INFINITY; 16];
        // SAFETY: the packed centroids have a vector to spare at their end, and so have the starts;
        // a row's values are TILE apart in the tile. A vector is 16 values at most. The
        // instructions are the caller's promise.
        unsafe {
            let mut packed = panel.packed.as_ptr().add(block.start * dims);
            let mut score = V::load(panel.starts.as_ptr().add(block.start));
            for t in 0..dims {
                score = V::splat(tile[t * TILE + lane]).multiply_add(V::load(packed), score);
                packed = packed.add(block.len());
            }
            score.store(scores.as_mut_ptr());
        }
        let (mut best, mut second, mut label) = (f32::NEG_INFINITY, seconds[lane], 0);
        for (j, &score) in block.clone().zip(&scores) {
            second = second.max(score.min(best));
            if score > best {
                (best, label) = (score, j as u32);
            }
        }
        found.labels[lane] = label;
        found.changed |= u64::from(label != found.old[lane]) << lane;
        if KEEP {
            (found.best[lane], found.second[lane]) = (best, second);
        }
        if CERTIFY {
            // Asked this way round, whatever is not a number is undecided.
            let decided = best - second > threshold;
            found.undecided |= u64::from(!decided) << lane;
        }
    }
}

/// A block that is not full.
///
/// # Safety
/// As for [`best_of`], with `size` for `Q`.
#[inline(always)]
unsafe fn shorter<V: Vector, const P: usize, const Q: usize, const CERTIFY: bool>(
    size: usize,
    rows: *const f32,
    packed: *const f32,
    starts: *const f32,
    dims: usize,
    number: V,
    top: &mut Top<V, P>,
) {
    // SAFETY: the caller's promise.
    unsafe {
        match size {
            3 if Q == 4 => best_of::<V, P, 3, CERTIFY>(rows, packed, starts, dims, number, top),
            5 if Q == 6 => best_of::<V, P, 5, CERTIFY>(rows, packed, starts, dims, number, top),
            7 if Q == 8 => best_of::<V, P, 7, CERTIFY>(rows, packed, starts, dims, number, top),
            _ => unreachable!("blocks of k ≥ 256 have Q or Q − 1 centroids"),
        }
    }
}

/// The best scores of a block.
///
/// # Safety
/// The processor has the instructions of `V`; `rows` is valid for `dims` columns TILE apart, `packed` for dims × Q values, `starts` for Q.
#[inline(always)]
#[allow(clippy::needless_range_loop)] // Indices mirror the register tile.
unsafe fn best_of<V: Vector, const P: usize, const Q: usize, const CERTIFY: bool>(
    rows: *const f32,
    mut packed: *const f32,
    starts: *const f32,
    dims: usize,
    number: V,
    top: &mut Top<V, P>,
) {
    // SAFETY: the caller's promise.
    unsafe {
        let mut scores = [[V::splat(0.0); P]; Q];
        for q in 0..Q {
            scores[q] = [V::splat(*starts.add(q)); P];
        }
        for t in 0..dims {
            let mut x = [V::splat(0.0); P];
            for p in 0..P {
                x[p] = V::load(rows.add(t * TILE + p * V::WIDTH));
            }
            for q in 0..Q {
                let c = V::splat(*packed.add(q));
                for p in 0..P {
                    scores[q][p] = x[p].multiply_add(c, scores[q][p]);
                }
            }
            packed = packed.add(Q);
        }
        for p in 0..P {
            let mut best = scores[0][p];
            for q in 1..Q {
                best = best.max(scores[q][p]);
            }
            if CERTIFY {
                top.second[p] = top.second[p].max(best.min(top.best[p]));
            }
            top.block[p] = best.if_greater(top.best[p], number, top.block[p]);
            top.best[p] = top.best[p].max(best);
        }
    }
}
