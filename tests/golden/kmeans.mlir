module @amdahl_kmeans {
  func.func public @main(%x: tensor<6x128xf32>, %c: tensor<3x6xf32>) -> tensor<128xi32> {
    %low = stablehlo.constant dense<-3.40282347E+38> : tensor<f32>
    %zero = stablehlo.constant dense<0.0> : tensor<f32>
    %none = stablehlo.constant dense<3.0> : tensor<f32>
    %scores = stablehlo.dot_general %c, %x, contracting_dims = [1] x [0], precision = [HIGHEST, HIGHEST] : (tensor<3x6xf32>, tensor<6x128xf32>) -> tensor<3x128xf32>
    %top = stablehlo.reduce(%scores init: %low) applies stablehlo.maximum across dimensions = [0] : (tensor<3x128xf32>, tensor<f32>) -> tensor<128xf32>
    %best = stablehlo.optimization_barrier %top : tensor<128xf32>
    %numbers = stablehlo.iota dim = 0 : tensor<3x128xf32>
    %nones = stablehlo.broadcast_in_dim %none, dims = [] : (tensor<f32>) -> tensor<3x128xf32>
    %bests = stablehlo.broadcast_in_dim %best, dims = [1] : (tensor<128xf32>) -> tensor<3x128xf32>
    %equal = stablehlo.compare EQ, %scores, %bests, FLOAT : (tensor<3x128xf32>, tensor<3x128xf32>) -> tensor<3x128xi1>
    %candidates = stablehlo.select %equal, %numbers, %nones : tensor<3x128xi1>, tensor<3x128xf32>
    %label = stablehlo.reduce(%candidates init: %none) applies stablehlo.minimum across dimensions = [0] : (tensor<3x128xf32>, tensor<f32>) -> tensor<128xf32>
    %labels = stablehlo.convert %label : (tensor<128xf32>) -> tensor<128xi32>
    return %labels : tensor<128xi32>
  }
}
module @amdahl_kmeans {
  func.func public @main(%x: tensor<8x128xbf16>, %c: tensor<3x8xbf16>) -> tensor<128xi32> {
    %low = stablehlo.constant dense<-3.40282347E+38> : tensor<f32>
    %zero = stablehlo.constant dense<0.0> : tensor<f32>
    %none = stablehlo.constant dense<3.0> : tensor<f32>
    %scores = stablehlo.dot_general %c, %x, contracting_dims = [1] x [0], precision = [HIGHEST, HIGHEST] : (tensor<3x8xbf16>, tensor<8x128xbf16>) -> tensor<3x128xf32>
    %top = stablehlo.reduce(%scores init: %low) applies stablehlo.maximum across dimensions = [0] : (tensor<3x128xf32>, tensor<f32>) -> tensor<128xf32>
    %best = stablehlo.optimization_barrier %top : tensor<128xf32>
    %numbers = stablehlo.iota dim = 0 : tensor<3x128xf32>
    %nones = stablehlo.broadcast_in_dim %none, dims = [] : (tensor<f32>) -> tensor<3x128xf32>
    %bests = stablehlo.broadcast_in_dim %best, dims = [1] : (tensor<128xf32>) -> tensor<3x128xf32>
    %equal = stablehlo.compare EQ, %scores, %bests, FLOAT : (tensor<3x128xf32>, tensor<3x128xf32>) -> tensor<3x128xi1>
    %candidates = stablehlo.select %equal, %numbers, %nones : tensor<3x128xi1>, tensor<3x128xf32>
    %label = stablehlo.reduce(%candidates init: %none) applies stablehlo.minimum across dimensions = [0] : (tensor<3x128xf32>, tensor<f32>) -> tensor<128xf32>
    %labels = stablehlo.convert %label : (tensor<128xf32>) -> tensor<128xi32>
    return %labels : tensor<128xi32>
  }
}
module @amdahl_kmeans {
  func.func public @main(%x: tensor<6x128xf32>, %c: tensor<3x6xf32>, %threshold: tensor<f32>) -> tensor<128xi32> {
    %low = stablehlo.constant dense<-3.40282347E+38> : tensor<f32>
    %zero = stablehlo.constant dense<0.0> : tensor<f32>
    %none = stablehlo.constant dense<3.0> : tensor<f32>
    %scores = stablehlo.dot_general %c, %x, contracting_dims = [1] x [0], precision = [HIGHEST, HIGHEST] : (tensor<3x6xf32>, tensor<6x128xf32>) -> tensor<3x128xf32>
    %top = stablehlo.reduce(%scores init: %low) applies stablehlo.maximum across dimensions = [0] : (tensor<3x128xf32>, tensor<f32>) -> tensor<128xf32>
    %best = stablehlo.optimization_barrier %top : tensor<128xf32>
    %numbers = stablehlo.iota dim = 0 : tensor<3x128xf32>
    %nones = stablehlo.broadcast_in_dim %none, dims = [] : (tensor<f32>) -> tensor<3x128xf32>
    %thresholds = stablehlo.broadcast_in_dim %threshold, dims = [] : (tensor<f32>) -> tensor<128xf32>
    %least = stablehlo.subtract %best, %thresholds : tensor<128xf32>
    %leasts = stablehlo.broadcast_in_dim %least, dims = [1] : (tensor<128xf32>) -> tensor<3x128xf32>
    %near = stablehlo.compare GE, %scores, %leasts, FLOAT : (tensor<3x128xf32>, tensor<3x128xf32>) -> tensor<3x128xi1>
    %raised = stablehlo.add %numbers, %nones : tensor<3x128xf32>
    %zeros = stablehlo.broadcast_in_dim %zero, dims = [] : (tensor<f32>) -> tensor<3x128xf32>
    %counted = stablehlo.select %near, %raised, %zeros : tensor<3x128xi1>, tensor<3x128xf32>
    %sum = stablehlo.reduce(%counted init: %zero) applies stablehlo.add across dimensions = [0] : (tensor<3x128xf32>, tensor<f32>) -> tensor<128xf32>
    %more = stablehlo.broadcast_in_dim %none, dims = [] : (tensor<f32>) -> tensor<128xf32>
    %lowered = stablehlo.subtract %sum, %more : tensor<128xf32>
    %label = stablehlo.minimum %lowered, %more : tensor<128xf32>
    %labels = stablehlo.convert %label : (tensor<128xf32>) -> tensor<128xi32>
    return %labels : tensor<128xi32>
  }
}
module @amdahl_kmeans {
  func.func public @main(%x: tensor<8x128xbf16>, %c: tensor<3x8xbf16>, %threshold: tensor<f32>) -> tensor<128xi32> {
    %low = stablehlo.constant dense<-3.40282347E+38> : tensor<f32>
    %zero = stablehlo.constant dense<0.0> : tensor<f32>
    %none = stablehlo.constant dense<3.0> : tensor<f32>
    %scores = stablehlo.dot_general %c, %x, contracting_dims = [1] x [0], precision = [HIGHEST, HIGHEST] : (tensor<3x8xbf16>, tensor<8x128xbf16>) -> tensor<3x128xf32>
    %top = stablehlo.reduce(%scores init: %low) applies stablehlo.maximum across dimensions = [0] : (tensor<3x128xf32>, tensor<f32>) -> tensor<128xf32>
    %best = stablehlo.optimization_barrier %top : tensor<128xf32>
    %numbers = stablehlo.iota dim = 0 : tensor<3x128xf32>
    %nones = stablehlo.broadcast_in_dim %none, dims = [] : (tensor<f32>) -> tensor<3x128xf32>
    %thresholds = stablehlo.broadcast_in_dim %threshold, dims = [] : (tensor<f32>) -> tensor<128xf32>
    %least = stablehlo.subtract %best, %thresholds : tensor<128xf32>
    %leasts = stablehlo.broadcast_in_dim %least, dims = [1] : (tensor<128xf32>) -> tensor<3x128xf32>
    %near = stablehlo.compare GE, %scores, %leasts, FLOAT : (tensor<3x128xf32>, tensor<3x128xf32>) -> tensor<3x128xi1>
    %raised = stablehlo.add %numbers, %nones : tensor<3x128xf32>
    %zeros = stablehlo.broadcast_in_dim %zero, dims = [] : (tensor<f32>) -> tensor<3x128xf32>
    %counted = stablehlo.select %near, %raised, %zeros : tensor<3x128xi1>, tensor<3x128xf32>
    %sum = stablehlo.reduce(%counted init: %zero) applies stablehlo.add across dimensions = [0] : (tensor<3x128xf32>, tensor<f32>) -> tensor<128xf32>
    %more = stablehlo.broadcast_in_dim %none, dims = [] : (tensor<f32>) -> tensor<128xf32>
    %lowered = stablehlo.subtract %sum, %more : tensor<128xf32>
    %label = stablehlo.minimum %lowered, %more : tensor<128xf32>
    %labels = stablehlo.convert %label : (tensor<128xf32>) -> tensor<128xi32>
    return %labels : tensor<128xi32>
  }
}
module @amdahl_kmeans {
  func.func public @main(%x: tensor<6x128xf32>, %c: tensor<3x6xf32>, %old: tensor<128xf32>) -> (tensor<128xf32>, tensor<6x3xf32>, tensor<f32>) {
    %low = stablehlo.constant dense<-3.40282347E+38> : tensor<f32>
    %zero = stablehlo.constant dense<0.0> : tensor<f32>
    %none = stablehlo.constant dense<3.0> : tensor<f32>
    %scores = stablehlo.dot_general %c, %x, contracting_dims = [1] x [0], precision = [HIGHEST, HIGHEST] : (tensor<3x6xf32>, tensor<6x128xf32>) -> tensor<3x128xf32>
    %top = stablehlo.reduce(%scores init: %low) applies stablehlo.maximum across dimensions = [0] : (tensor<3x128xf32>, tensor<f32>) -> tensor<128xf32>
    %best = stablehlo.optimization_barrier %top : tensor<128xf32>
    %numbers = stablehlo.iota dim = 0 : tensor<3x128xf32>
    %nones = stablehlo.broadcast_in_dim %none, dims = [] : (tensor<f32>) -> tensor<3x128xf32>
    %bests = stablehlo.broadcast_in_dim %best, dims = [1] : (tensor<128xf32>) -> tensor<3x128xf32>
    %equal = stablehlo.compare EQ, %scores, %bests, FLOAT : (tensor<3x128xf32>, tensor<3x128xf32>) -> tensor<3x128xi1>
    %candidates = stablehlo.select %equal, %numbers, %nones : tensor<3x128xi1>, tensor<3x128xf32>
    %label = stablehlo.reduce(%candidates init: %none) applies stablehlo.minimum across dimensions = [0] : (tensor<3x128xf32>, tensor<f32>) -> tensor<128xf32>
    %chosen = stablehlo.broadcast_in_dim %label, dims = [1] : (tensor<128xf32>) -> tensor<3x128xf32>
    %is = stablehlo.compare EQ, %numbers, %chosen, FLOAT : (tensor<3x128xf32>, tensor<3x128xf32>) -> tensor<3x128xi1>
    %one = stablehlo.constant dense<1.0> : tensor<f32>
    %ones = stablehlo.broadcast_in_dim %one, dims = [] : (tensor<f32>) -> tensor<3x128xf32>
    %zeros = stablehlo.broadcast_in_dim %zero, dims = [] : (tensor<f32>) -> tensor<3x128xf32>
    %hot = stablehlo.select %is, %ones, %zeros : tensor<3x128xi1>, tensor<3x128xf32>
    %sums = stablehlo.dot_general %x, %hot, contracting_dims = [1] x [1], precision = [HIGHEST, HIGHEST] : (tensor<6x128xf32>, tensor<3x128xf32>) -> tensor<6x3xf32>
    %same = stablehlo.compare EQ, %label, %old, FLOAT : (tensor<128xf32>, tensor<128xf32>) -> tensor<128xi1>
    %kept = stablehlo.broadcast_in_dim %zero, dims = [] : (tensor<f32>) -> tensor<128xf32>
    %moved = stablehlo.broadcast_in_dim %one, dims = [] : (tensor<f32>) -> tensor<128xf32>
    %new = stablehlo.select %same, %kept, %moved : tensor<128xi1>, tensor<128xf32>
    %changed = stablehlo.reduce(%new init: %zero) applies stablehlo.add across dimensions = [0] : (tensor<128xf32>, tensor<f32>) -> tensor<f32>
    return %label, %sums, %changed : tensor<128xf32>, tensor<6x3xf32>, tensor<f32>
  }
}
module @amdahl_kmeans {
  func.func public @main(%x: tensor<8x128xbf16>, %c: tensor<3x8xbf16>, %old: tensor<128xf32>) -> (tensor<128xf32>, tensor<8x3xf32>, tensor<f32>) {
    %low = stablehlo.constant dense<-3.40282347E+38> : tensor<f32>
    %zero = stablehlo.constant dense<0.0> : tensor<f32>
    %none = stablehlo.constant dense<3.0> : tensor<f32>
    %scores = stablehlo.dot_general %c, %x, contracting_dims = [1] x [0], precision = [HIGHEST, HIGHEST] : (tensor<3x8xbf16>, tensor<8x128xbf16>) -> tensor<3x128xf32>
    %top = stablehlo.reduce(%scores init: %low) applies stablehlo.maximum across dimensions = [0] : (tensor<3x128xf32>, tensor<f32>) -> tensor<128xf32>
    %best = stablehlo.optimization_barrier %top : tensor<128xf32>
    %numbers = stablehlo.iota dim = 0 : tensor<3x128xf32>
    %nones = stablehlo.broadcast_in_dim %none, dims = [] : (tensor<f32>) -> tensor<3x128xf32>
    %bests = stablehlo.broadcast_in_dim %best, dims = [1] : (tensor<128xf32>) -> tensor<3x128xf32>
    %equal = stablehlo.compare EQ, %scores, %bests, FLOAT : (tensor<3x128xf32>, tensor<3x128xf32>) -> tensor<3x128xi1>
    %candidates = stablehlo.select %equal, %numbers, %nones : tensor<3x128xi1>, tensor<3x128xf32>
    %label = stablehlo.reduce(%candidates init: %none) applies stablehlo.minimum across dimensions = [0] : (tensor<3x128xf32>, tensor<f32>) -> tensor<128xf32>
    %chosen = stablehlo.broadcast_in_dim %label, dims = [1] : (tensor<128xf32>) -> tensor<3x128xf32>
    %is = stablehlo.compare EQ, %numbers, %chosen, FLOAT : (tensor<3x128xf32>, tensor<3x128xf32>) -> tensor<3x128xi1>
    %one = stablehlo.constant dense<1.0> : tensor<f32>
    %ones = stablehlo.broadcast_in_dim %one, dims = [] : (tensor<f32>) -> tensor<3x128xf32>
    %zeros = stablehlo.broadcast_in_dim %zero, dims = [] : (tensor<f32>) -> tensor<3x128xf32>
    %hot = stablehlo.select %is, %ones, %zeros : tensor<3x128xi1>, tensor<3x128xf32>
    %hots = stablehlo.convert %hot : (tensor<3x128xf32>) -> tensor<3x128xbf16>
    %sums = stablehlo.dot_general %x, %hots, contracting_dims = [1] x [1], precision = [HIGHEST, HIGHEST] : (tensor<8x128xbf16>, tensor<3x128xbf16>) -> tensor<8x3xf32>
    %same = stablehlo.compare EQ, %label, %old, FLOAT : (tensor<128xf32>, tensor<128xf32>) -> tensor<128xi1>
    %kept = stablehlo.broadcast_in_dim %zero, dims = [] : (tensor<f32>) -> tensor<128xf32>
    %moved = stablehlo.broadcast_in_dim %one, dims = [] : (tensor<f32>) -> tensor<128xf32>
    %new = stablehlo.select %same, %kept, %moved : tensor<128xi1>, tensor<128xf32>
    %changed = stablehlo.reduce(%new init: %zero) applies stablehlo.add across dimensions = [0] : (tensor<128xf32>, tensor<f32>) -> tensor<f32>
    return %label, %sums, %changed : tensor<128xf32>, tensor<8x3xf32>, tensor<f32>
  }
}
