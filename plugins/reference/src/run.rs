//! Runs programs, one operation after the other, on one processor.

use crate::program::{Element, Op, Pair, Program};

/// A value. bfloat16 is kept as the f32 that it stands for.
#[derive(Clone, Debug)]
pub enum Value {
    Floats(Vec<f32>),
    Integers(Vec<i32>),
    Truths(Vec<bool>),
}

/// Lanes of a sum.
const LANES: usize = 16;

impl Program {
    /// The results for these inputs, whose types are those of the parameters.
    pub fn run(&self, inputs: &[&Value]) -> Result<Vec<Value>, String> {
        let mut made: Vec<Value> = Vec::with_capacity(self.operations.len());
        for (operation, of) in &self.operations {
            let value = |i: usize| match i.checked_sub(inputs.len()) {
                None => inputs[i],
                Some(i) => &made[i],
            };
            let floats = |i: usize| match value(i) {
                Value::Floats(values) => Ok(values.as_slice()),
                _ => Err("expected floating point".to_string()),
            };
            let truths = |i: usize| match value(i) {
                Value::Truths(values) => Ok(values.as_slice()),
                _ => Err("expected truth values".to_string()),
            };
            let shape = |i: usize| self.type_of(i).shape.as_slice();
            let pair = |pair: Pair, a: f32, b: f32| match pair {
                Pair::Add => a + b,
                Pair::Subtract => a - b,
                Pair::Maximum => a.max(b),
                Pair::Minimum => a.min(b),
            };
            let result = match operation {
                Op::Constant(x) => Value::Floats(vec![*x]),
                Op::Dot(a, b, _, 1) => Value::Floats(inner(floats(*a)?, floats(*b)?, shape(*a)[1])),
                Op::Dot(a, b, ..) => {
                    Value::Floats(product(floats(*a)?, floats(*b)?, shape(*a)[1], shape(*b)[1]))
                }
                Op::Broadcast(a, to) => {
                    let from = floats(*a)?;
                    let columns = of.shape.last().copied().unwrap_or(1);
                    Value::Floats(match to.as_slice() {
                        [] => vec![from[0]; of.count()],
                        [0] if of.shape.len() == 2 => {
                            from.iter().flat_map(|&x| std::iter::repeat_n(x, columns)).collect()
                        }
                        _ if of.shape.len() == 2 => from.repeat(of.shape[0]),
                        _ => from.to_vec(),
                    })
                }
                Op::Pair(op, a, b) => Value::Floats(
                    floats(*a)?.iter().zip(floats(*b)?).map(|(&a, &b)| pair(*op, a, b)).collect(),
                ),
                Op::Reduce(op, a, from, at) => {
                    let (values, from) = (floats(*a)?, floats(*from)?[0]);
                    let columns = shape(*a).last().copied().unwrap_or(1).max(1);
                    Value::Floats(if *at + 1 == shape(*a).len() {
                        let row =
                            |row: &[f32]| row.iter().fold(from, |so_far, &x| pair(*op, so_far, x));
                        values.chunks_exact(columns).map(row).collect()
                    } else {
                        let mut sums = vec![from; columns];
                        for row in values.chunks_exact(columns) {
                            sums.iter_mut()
                                .zip(row)
                                .for_each(|(sum, &x)| *sum = pair(*op, *sum, x));
                        }
                        sums
                    })
                }
                Op::Compare(greater, a, b) => {
                    let compare = |(a, b): (&f32, &f32)| if *greater { a >= b } else { a == b };
                    Value::Truths(floats(*a)?.iter().zip(floats(*b)?).map(compare).collect())
                }
                Op::Iota(at) => {
                    let columns = of.shape.last().copied().unwrap_or(1).max(1);
                    let along = |i: usize| {
                        if *at + 1 == of.shape.len() { i % columns } else { i / columns }
                    };
                    Value::Floats((0..of.count()).map(|i| along(i) as f32).collect())
                }
                Op::Select(p, a, b) => {
                    let choose = |(&p, (&a, &b)): (&bool, (&f32, &f32))| if p { a } else { b };
                    Value::Floats(
                        truths(*p)?
                            .iter()
                            .zip(floats(*a)?.iter().zip(floats(*b)?))
                            .map(choose)
                            .collect(),
                    )
                }
                Op::Convert(a) => match of.element {
                    Element::I32 => {
                        Value::Integers(floats(*a)?.iter().map(|&x| x as i32).collect())
                    }
                    Element::Bf16 => {
                        Value::Floats(floats(*a)?.iter().map(|&x| rounded(x)).collect())
                    }
                    Element::F32 => Value::Floats(floats(*a)?.to_vec()),
                    Element::Bool => return Err("no conversion to truth values".into()),
                },
                Op::Same(a) => value(*a).clone(),
            };
            made.push(result);
        }
        let taken = |&i: &usize| match i.checked_sub(inputs.len()) {
            None => inputs[i].clone(),
            Some(i) => made[i].clone(),
        };
        Ok(self.results.iter().map(taken).collect())
    }
}

/// The nearest bfloat16, ties to even.
fn rounded(x: f32) -> f32 {
    let bits = x.to_bits();
    f32::from_bits((bits + 0x7fff + (bits >> 16 & 1)) & 0xffff_0000)
}

/// Products of all rows of `a` with all rows of `b`.
fn inner(a: &[f32], b: &[f32], length: usize) -> Vec<f32> {
    let length = length.max(1);
    let dot = |x: &[f32], y: &[f32]| {
        let (x, x_rest) = x.as_chunks::<LANES>();
        let (y, y_rest) = y.as_chunks::<LANES>();
        let mut sums = [0f32; LANES];
        for (x, y) in x.iter().zip(y) {
            for i in 0..LANES {
                sums[i] += x[i] * y[i];
            }
        }
        sums.iter().sum::<f32>() + x_rest.iter().zip(y_rest).map(|(x, y)| x * y).sum::<f32>()
    };
    a.chunks_exact(length).flat_map(|x| b.chunks_exact(length).map(move |y| dot(x, y))).collect()
}

/// a·b, where rows of `a` have this length and rows of `b` so many columns.
fn product(a: &[f32], b: &[f32], length: usize, columns: usize) -> Vec<f32> {
    let (length, columns) = (length.max(1), columns.max(1));
    let mut sums = vec![0f32; a.len() / length * columns];
    for (a, sums) in a.chunks_exact(length).zip(sums.chunks_exact_mut(columns)) {
        for (&factor, b) in a.iter().zip(b.chunks_exact(columns)) {
            sums.iter_mut().zip(b).for_each(|(sum, x)| *sum += factor * x);
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The module of this number with 128 rows of 5 columns, 3 clusters.
    fn program(number: usize) -> Program {
        let text =
            include_str!("../../../tests/golden/kmeans.mlir").split("module").nth(number + 1);
        Program::parse(&format!("module{}", text.expect("a program"))).expect("it is read")
    }

    fn floats(value: &Value) -> &[f32] {
        match value {
            Value::Floats(values) => values,
            _ => panic!("floating point"),
        }
    }

    /// Rows as columns, ones behind them, filled up to 128.
    fn columns(rows: &[[f32; 2]]) -> Value {
        let mut x = vec![0f32; 6 * 128];
        for (i, row) in rows.iter().enumerate() {
            (x[i], x[128 + i], x[5 * 128 + i]) = (row[0], row[1], 1.0);
        }
        Value::Floats(x)
    }

    /// Centroids at these places of the first axis, with −½‖c‖² behind them.
    fn centroids(places: [f32; 3]) -> Value {
        Value::Floats(places.iter().flat_map(|&c| [c, 0., 0., 0., 0., -0.5 * c * c]).collect())
    }

    #[test]
    fn the_nearest_cluster_the_lower_of_equals() {
        let x = columns(&[[1.0, 0.0], [9.0, 0.0], [5.0, 0.0]]);
        let values = [x, centroids([0.0, 10.0, 10.0]), Value::Floats(vec![1e-3])];
        let run = |number: usize, inputs: usize| {
            let inputs: Vec<&Value> = values.iter().take(inputs).collect();
            match &program(number).run(&inputs).expect("it runs")[0] {
                Value::Integers(labels) => labels[..4].to_vec(),
                _ => panic!("labels"),
            }
        };
        assert_eq!(run(0, 2), [0, 1, 0, 0]);
        // The second row is a tie of the clusters 1 and 2, the third of all; so is what fills up.
        assert_eq!(run(2, 3), [0, 3, 3, 3]);
    }

    #[test]
    fn sums_counts_and_changes_leave_out_what_fills_up() {
        let x = columns(&[[1.0, 0.0], [9.0, 2.0]]);
        let mut old = vec![0f32; 128];
        old[1] = -1.0;
        let values = [x, centroids([0.0, 10.0, 20.0]), Value::Floats(old)];
        let results = program(4).run(&values.iter().collect::<Vec<_>>()).expect("it runs");
        assert_eq!(floats(&results[0])[..3], [0.0, 1.0, 0.0]);
        let sums = floats(&results[1]);
        assert_eq!(sums[..6], [1., 9., 0., 0., 2., 0.]);
        assert_eq!((&sums[15..], floats(&results[2])), (&[1.0, 1.0, 0.0][..], &[1.0][..]));
    }
}
