module @amdahl_kmeans {
  func.func public @main(%x: tensor<128x5xf32>, %c: tensor<3x5xf32>, %start: tensor<3xf32>) -> tensor<128xi32> {
    %low = stablehlo.constant dense<-3.40282347E+38> : tensor<f32>
    %none = stablehlo.constant dense<3.0> : tensor<f32>
    %dots = stablehlo.dot_general %x, %c, contracting_dims = [1] x [1], precision = [HIGHEST, HIGHEST] : (tensor<128x5xf32>, tensor<3x5xf32>) -> tensor<128x3xf32>
    %starts = stablehlo.broadcast_in_dim %start, dims = [1] : (tensor<3xf32>) -> tensor<128x3xf32>
    %scores = stablehlo.add %dots, %starts : tensor<128x3xf32>
    %best = stablehlo.reduce(%scores init: %low) applies stablehlo.maximum across dimensions = [1] : (tensor<128x3xf32>, tensor<f32>) -> tensor<128xf32>
    %bests = stablehlo.broadcast_in_dim %best, dims = [0] : (tensor<128xf32>) -> tensor<128x3xf32>
    %equal = stablehlo.compare EQ, %scores, %bests, FLOAT : (tensor<128x3xf32>, tensor<128x3xf32>) -> tensor<128x3xi1>
    %numbers = stablehlo.iota dim = 1 : tensor<128x3xf32>
    %nones = stablehlo.broadcast_in_dim %none, dims = [] : (tensor<f32>) -> tensor<128x3xf32>
    %candidates = stablehlo.select %equal, %numbers, %nones : tensor<128x3xi1>, tensor<128x3xf32>
    %label = stablehlo.reduce(%candidates init: %none) applies stablehlo.minimum across dimensions = [1] : (tensor<128x3xf32>, tensor<f32>) -> tensor<128xf32>
    %labels = stablehlo.convert %label : (tensor<128xf32>) -> tensor<128xi32>
    return %labels : tensor<128xi32>
  }
}
module @amdahl_kmeans {
  func.func public @main(%x: tensor<128x5xbf16>, %c: tensor<3x5xbf16>, %start: tensor<3xf32>) -> tensor<128xi32> {
    %low = stablehlo.constant dense<-3.40282347E+38> : tensor<f32>
    %none = stablehlo.constant dense<3.0> : tensor<f32>
    %dots = stablehlo.dot_general %x, %c, contracting_dims = [1] x [1], precision = [HIGHEST, HIGHEST] : (tensor<128x5xbf16>, tensor<3x5xbf16>) -> tensor<128x3xf32>
    %starts = stablehlo.broadcast_in_dim %start, dims = [1] : (tensor<3xf32>) -> tensor<128x3xf32>
    %scores = stablehlo.add %dots, %starts : tensor<128x3xf32>
    %best = stablehlo.reduce(%scores init: %low) applies stablehlo.maximum across dimensions = [1] : (tensor<128x3xf32>, tensor<f32>) -> tensor<128xf32>
    %bests = stablehlo.broadcast_in_dim %best, dims = [0] : (tensor<128xf32>) -> tensor<128x3xf32>
    %equal = stablehlo.compare EQ, %scores, %bests, FLOAT : (tensor<128x3xf32>, tensor<128x3xf32>) -> tensor<128x3xi1>
    %numbers = stablehlo.iota dim = 1 : tensor<128x3xf32>
    %nones = stablehlo.broadcast_in_dim %none, dims = [] : (tensor<f32>) -> tensor<128x3xf32>
    %candidates = stablehlo.select %equal, %numbers, %nones : tensor<128x3xi1>, tensor<128x3xf32>
    %label = stablehlo.reduce(%candidates init: %none) applies stablehlo.minimum across dimensions = [1] : (tensor<128x3xf32>, tensor<f32>) -> tensor<128xf32>
    %labels = stablehlo.convert %label : (tensor<128xf32>) -> tensor<128xi32>
    return %labels : tensor<128xi32>
  }
}
module @amdahl_kmeans {
  func.func public @main(%x: tensor<128x5xf32>, %c: tensor<3x5xf32>, %start: tensor<3xf32>, %threshold: tensor<f32>) -> tensor<128xi32> {
    %low = stablehlo.constant dense<-3.40282347E+38> : tensor<f32>
    %none = stablehlo.constant dense<3.0> : tensor<f32>
    %dots = stablehlo.dot_general %x, %c, contracting_dims = [1] x [1], precision = [HIGHEST, HIGHEST] : (tensor<128x5xf32>, tensor<3x5xf32>) -> tensor<128x3xf32>
    %starts = stablehlo.broadcast_in_dim %start, dims = [1] : (tensor<3xf32>) -> tensor<128x3xf32>
    %scores = stablehlo.add %dots, %starts : tensor<128x3xf32>
    %best = stablehlo.reduce(%scores init: %low) applies stablehlo.maximum across dimensions = [1] : (tensor<128x3xf32>, tensor<f32>) -> tensor<128xf32>
    %bests = stablehlo.broadcast_in_dim %best, dims = [0] : (tensor<128xf32>) -> tensor<128x3xf32>
    %equal = stablehlo.compare EQ, %scores, %bests, FLOAT : (tensor<128x3xf32>, tensor<128x3xf32>) -> tensor<128x3xi1>
    %numbers = stablehlo.iota dim = 1 : tensor<128x3xf32>
    %nones = stablehlo.broadcast_in_dim %none, dims = [] : (tensor<f32>) -> tensor<128x3xf32>
    %candidates = stablehlo.select %equal, %numbers, %nones : tensor<128x3xi1>, tensor<128x3xf32>
    %label = stablehlo.reduce(%candidates init: %none) applies stablehlo.minimum across dimensions = [1] : (tensor<128x3xf32>, tensor<f32>) -> tensor<128xf32>
    %chosen = stablehlo.broadcast_in_dim %label, dims = [0] : (tensor<128xf32>) -> tensor<128x3xf32>
    %first = stablehlo.compare EQ, %numbers, %chosen, FLOAT : (tensor<128x3xf32>, tensor<128x3xf32>) -> tensor<128x3xi1>
    %lows = stablehlo.broadcast_in_dim %low, dims = [] : (tensor<f32>) -> tensor<128x3xf32>
    %others = stablehlo.select %first, %lows, %scores : tensor<128x3xi1>, tensor<128x3xf32>
    %second = stablehlo.reduce(%others init: %low) applies stablehlo.maximum across dimensions = [1] : (tensor<128x3xf32>, tensor<f32>) -> tensor<128xf32>
    %gap = stablehlo.subtract %best, %second : tensor<128xf32>
    %thresholds = stablehlo.broadcast_in_dim %threshold, dims = [] : (tensor<f32>) -> tensor<128xf32>
    %near = stablehlo.compare LE, %gap, %thresholds, FLOAT : (tensor<128xf32>, tensor<128xf32>) -> tensor<128xi1>
    %zero = stablehlo.constant dense<0.0> : tensor<f32>
    %zeros = stablehlo.broadcast_in_dim %zero, dims = [] : (tensor<f32>) -> tensor<128xf32>
    %more = stablehlo.broadcast_in_dim %none, dims = [] : (tensor<f32>) -> tensor<128xf32>
    %mark = stablehlo.select %near, %more, %zeros : tensor<128xi1>, tensor<128xf32>
    %marked = stablehlo.add %label, %mark : tensor<128xf32>
    %labels = stablehlo.convert %marked : (tensor<128xf32>) -> tensor<128xi32>
    return %labels : tensor<128xi32>
  }
}
module @amdahl_kmeans {
  func.func public @main(%x: tensor<128x5xbf16>, %c: tensor<3x5xbf16>, %start: tensor<3xf32>, %threshold: tensor<f32>) -> tensor<128xi32> {
    %low = stablehlo.constant dense<-3.40282347E+38> : tensor<f32>
    %none = stablehlo.constant dense<3.0> : tensor<f32>
    %dots = stablehlo.dot_general %x, %c, contracting_dims = [1] x [1], precision = [HIGHEST, HIGHEST] : (tensor<128x5xbf16>, tensor<3x5xbf16>) -> tensor<128x3xf32>
    %starts = stablehlo.broadcast_in_dim %start, dims = [1] : (tensor<3xf32>) -> tensor<128x3xf32>
    %scores = stablehlo.add %dots, %starts : tensor<128x3xf32>
    %best = stablehlo.reduce(%scores init: %low) applies stablehlo.maximum across dimensions = [1] : (tensor<128x3xf32>, tensor<f32>) -> tensor<128xf32>
    %bests = stablehlo.broadcast_in_dim %best, dims = [0] : (tensor<128xf32>) -> tensor<128x3xf32>
    %equal = stablehlo.compare EQ, %scores, %bests, FLOAT : (tensor<128x3xf32>, tensor<128x3xf32>) -> tensor<128x3xi1>
    %numbers = stablehlo.iota dim = 1 : tensor<128x3xf32>
    %nones = stablehlo.broadcast_in_dim %none, dims = [] : (tensor<f32>) -> tensor<128x3xf32>
    %candidates = stablehlo.select %equal, %numbers, %nones : tensor<128x3xi1>, tensor<128x3xf32>
    %label = stablehlo.reduce(%candidates init: %none) applies stablehlo.minimum across dimensions = [1] : (tensor<128x3xf32>, tensor<f32>) -> tensor<128xf32>
    %chosen = stablehlo.broadcast_in_dim %label, dims = [0] : (tensor<128xf32>) -> tensor<128x3xf32>
    %first = stablehlo.compare EQ, %numbers, %chosen, FLOAT : (tensor<128x3xf32>, tensor<128x3xf32>) -> tensor<128x3xi1>
    %lows = stablehlo.broadcast_in_dim %low, dims = [] : (tensor<f32>) -> tensor<128x3xf32>
    %others = stablehlo.select %first, %lows, %scores : tensor<128x3xi1>, tensor<128x3xf32>
    %second = stablehlo.reduce(%others init: %low) applies stablehlo.maximum across dimensions = [1] : (tensor<128x3xf32>, tensor<f32>) -> tensor<128xf32>
    %gap = stablehlo.subtract %best, %second : tensor<128xf32>
    %thresholds = stablehlo.broadcast_in_dim %threshold, dims = [] : (tensor<f32>) -> tensor<128xf32>
    %near = stablehlo.compare LE, %gap, %thresholds, FLOAT : (tensor<128xf32>, tensor<128xf32>) -> tensor<128xi1>
    %zero = stablehlo.constant dense<0.0> : tensor<f32>
    %zeros = stablehlo.broadcast_in_dim %zero, dims = [] : (tensor<f32>) -> tensor<128xf32>
    %more = stablehlo.broadcast_in_dim %none, dims = [] : (tensor<f32>) -> tensor<128xf32>
    %mark = stablehlo.select %near, %more, %zeros : tensor<128xi1>, tensor<128xf32>
    %marked = stablehlo.add %label, %mark : tensor<128xf32>
    %labels = stablehlo.convert %marked : (tensor<128xf32>) -> tensor<128xi32>
    return %labels : tensor<128xi32>
  }
}
module @amdahl_kmeans {
  func.func public @main(%x: tensor<128x5xf32>, %c: tensor<3x5xf32>, %start: tensor<3xf32>, %mask: tensor<128xf32>, %old: tensor<128xf32>) -> (tensor<128xf32>, tensor<3x5xf32>, tensor<3xf32>, tensor<f32>) {
    %low = stablehlo.constant dense<-3.40282347E+38> : tensor<f32>
    %none = stablehlo.constant dense<3.0> : tensor<f32>
    %dots = stablehlo.dot_general %x, %c, contracting_dims = [1] x [1], precision = [HIGHEST, HIGHEST] : (tensor<128x5xf32>, tensor<3x5xf32>) -> tensor<128x3xf32>
    %starts = stablehlo.broadcast_in_dim %start, dims = [1] : (tensor<3xf32>) -> tensor<128x3xf32>
    %scores = stablehlo.add %dots, %starts : tensor<128x3xf32>
    %best = stablehlo.reduce(%scores init: %low) applies stablehlo.maximum across dimensions = [1] : (tensor<128x3xf32>, tensor<f32>) -> tensor<128xf32>
    %bests = stablehlo.broadcast_in_dim %best, dims = [0] : (tensor<128xf32>) -> tensor<128x3xf32>
    %equal = stablehlo.compare EQ, %scores, %bests, FLOAT : (tensor<128x3xf32>, tensor<128x3xf32>) -> tensor<128x3xi1>
    %numbers = stablehlo.iota dim = 1 : tensor<128x3xf32>
    %nones = stablehlo.broadcast_in_dim %none, dims = [] : (tensor<f32>) -> tensor<128x3xf32>
    %candidates = stablehlo.select %equal, %numbers, %nones : tensor<128x3xi1>, tensor<128x3xf32>
    %label = stablehlo.reduce(%candidates init: %none) applies stablehlo.minimum across dimensions = [1] : (tensor<128x3xf32>, tensor<f32>) -> tensor<128xf32>
    %zero = stablehlo.constant dense<0.0> : tensor<f32>
    %chosen = stablehlo.broadcast_in_dim %label, dims = [0] : (tensor<128xf32>) -> tensor<128x3xf32>
    %is = stablehlo.compare EQ, %numbers, %chosen, FLOAT : (tensor<128x3xf32>, tensor<128x3xf32>) -> tensor<128x3xi1>
    %masks = stablehlo.broadcast_in_dim %mask, dims = [0] : (tensor<128xf32>) -> tensor<128x3xf32>
    %zeros = stablehlo.broadcast_in_dim %zero, dims = [] : (tensor<f32>) -> tensor<128x3xf32>
    %hot = stablehlo.select %is, %masks, %zeros : tensor<128x3xi1>, tensor<128x3xf32>
    %sums = stablehlo.dot_general %hot, %x, contracting_dims = [0] x [0], precision = [HIGHEST, HIGHEST] : (tensor<128x3xf32>, tensor<128x5xf32>) -> tensor<3x5xf32>
    %counts = stablehlo.reduce(%hot init: %zero) applies stablehlo.add across dimensions = [0] : (tensor<128x3xf32>, tensor<f32>) -> tensor<3xf32>
    %same = stablehlo.compare EQ, %label, %old, FLOAT : (tensor<128xf32>, tensor<128xf32>) -> tensor<128xi1>
    %none_of = stablehlo.broadcast_in_dim %zero, dims = [] : (tensor<f32>) -> tensor<128xf32>
    %new = stablehlo.select %same, %none_of, %mask : tensor<128xi1>, tensor<128xf32>
    %changed = stablehlo.reduce(%new init: %zero) applies stablehlo.add across dimensions = [0] : (tensor<128xf32>, tensor<f32>) -> tensor<f32>
    return %label, %sums, %counts, %changed : tensor<128xf32>, tensor<3x5xf32>, tensor<3xf32>, tensor<f32>
  }
}
module @amdahl_kmeans {
  func.func public @main(%x: tensor<128x5xbf16>, %c: tensor<3x5xbf16>, %start: tensor<3xf32>, %mask: tensor<128xf32>, %old: tensor<128xf32>) -> (tensor<128xf32>, tensor<3x5xf32>, tensor<3xf32>, tensor<f32>) {
    %low = stablehlo.constant dense<-3.40282347E+38> : tensor<f32>
    %none = stablehlo.constant dense<3.0> : tensor<f32>
    %dots = stablehlo.dot_general %x, %c, contracting_dims = [1] x [1], precision = [HIGHEST, HIGHEST] : (tensor<128x5xbf16>, tensor<3x5xbf16>) -> tensor<128x3xf32>
    %starts = stablehlo.broadcast_in_dim %start, dims = [1] : (tensor<3xf32>) -> tensor<128x3xf32>
    %scores = stablehlo.add %dots, %starts : tensor<128x3xf32>
    %best = stablehlo.reduce(%scores init: %low) applies stablehlo.maximum across dimensions = [1] : (tensor<128x3xf32>, tensor<f32>) -> tensor<128xf32>
    %bests = stablehlo.broadcast_in_dim %best, dims = [0] : (tensor<128xf32>) -> tensor<128x3xf32>
    %equal = stablehlo.compare EQ, %scores, %bests, FLOAT : (tensor<128x3xf32>, tensor<128x3xf32>) -> tensor<128x3xi1>
    %numbers = stablehlo.iota dim = 1 : tensor<128x3xf32>
    %nones = stablehlo.broadcast_in_dim %none, dims = [] : (tensor<f32>) -> tensor<128x3xf32>
    %candidates = stablehlo.select %equal, %numbers, %nones : tensor<128x3xi1>, tensor<128x3xf32>
    %label = stablehlo.reduce(%candidates init: %none) applies stablehlo.minimum across dimensions = [1] : (tensor<128x3xf32>, tensor<f32>) -> tensor<128xf32>
    %zero = stablehlo.constant dense<0.0> : tensor<f32>
    %chosen = stablehlo.broadcast_in_dim %label, dims = [0] : (tensor<128xf32>) -> tensor<128x3xf32>
    %is = stablehlo.compare EQ, %numbers, %chosen, FLOAT : (tensor<128x3xf32>, tensor<128x3xf32>) -> tensor<128x3xi1>
    %masks = stablehlo.broadcast_in_dim %mask, dims = [0] : (tensor<128xf32>) -> tensor<128x3xf32>
    %zeros = stablehlo.broadcast_in_dim %zero, dims = [] : (tensor<f32>) -> tensor<128x3xf32>
    %hot = stablehlo.select %is, %masks, %zeros : tensor<128x3xi1>, tensor<128x3xf32>
    %hots = stablehlo.convert %hot : (tensor<128x3xf32>) -> tensor<128x3xbf16>
    %sums = stablehlo.dot_general %hots, %x, contracting_dims = [0] x [0], precision = [HIGHEST, HIGHEST] : (tensor<128x3xbf16>, tensor<128x5xbf16>) -> tensor<3x5xf32>
    %counts = stablehlo.reduce(%hot init: %zero) applies stablehlo.add across dimensions = [0] : (tensor<128x3xf32>, tensor<f32>) -> tensor<3xf32>
    %same = stablehlo.compare EQ, %label, %old, FLOAT : (tensor<128xf32>, tensor<128xf32>) -> tensor<128xi1>
    %none_of = stablehlo.broadcast_in_dim %zero, dims = [] : (tensor<f32>) -> tensor<128xf32>
    %new = stablehlo.select %same, %none_of, %mask : tensor<128xi1>, tensor<128xf32>
    %changed = stablehlo.reduce(%new init: %zero) applies stablehlo.add across dimensions = [0] : (tensor<128xf32>, tensor<f32>) -> tensor<f32>
    return %label, %sums, %counts, %changed : tensor<128xf32>, tensor<3x5xf32>, tensor<3xf32>, tensor<f32>
  }
}
