// The operators that networks know, by ONNX's names. Adding one is a file in Nodes and a line here.
package import CNNCore

package struct OperatorKind<T: Element> {
  package let name: StaticString
  private let create: (Attributes) throws(CNNError) -> Operator<T>

  init(_ name: StaticString, _ create: @escaping (Attributes) throws(CNNError) -> Operator<T>) {
    (self.name, self.create) = (name, create)
  }

  private static var all: [OperatorKind] {
    [
      .init("AdaptiveAveragePool", AdaptiveAveragePoolOperator.init),
      .init("AdaptiveMaxPool", AdaptiveMaxPoolOperator.init),
      .init("Add", AddOperator.init),
      .init("And", IntegerOperator.and),
      .init("AveragePool", AveragePoolOperator.init),
      .init("BatchNormalization", BatchNormalizationOperator.init),
      .init("BitShift", IntegerOperator.bitShift),
      .init("BitwiseAnd", IntegerOperator.bitAnd),
      .init("BitwiseNot", NotOperator.init),
      .init("BitwiseOr", IntegerOperator.bitOr),
      .init("BitwiseXor", IntegerOperator.bitXor),
      .init("Cast", CastOperator.init),
      .init("CastLike", CastOperator.init),
      .init("Celu", ActivationOperator<Celu<T>>.init),
      .init("Clip", ActivationOperator<Clip<T>>.init),
      .init("Concat", ConcatOperator.init),
      .init("ConstantOfShape", ConstantOfShapeOperator.init),
      .init("Conv", ConvOperator.init),
      .init("ConvTranspose", ConvTransposeOperator.init),
      .init("DepthToSpace", DepthToSpaceOperator.init),
      .init("Div", DivOperator.init),
      .init("Dropout", DropoutOperator.init),
      .init("Elu", ActivationOperator<Elu<T>>.init),
      .init("Equal", ComparisonOperator.equal),
      .init("Expand", ExpandOperator.init),
      .init("Flatten", FlattenOperator.init),
      .init("Gather", GatherOperator.init),
      .init("Gelu", ActivationOperator<Gelu<T>>.init),
      .init("Gemm", GemmOperator.init),
      .init("GlobalAveragePool", GlobalAveragePoolOperator.init),
      .init("GlobalLpPool", GlobalLpPoolOperator.init),
      .init("GlobalMaxPool", GlobalMaxPoolOperator.init),
      .init("Greater", ComparisonOperator.greater),
      .init("GreaterOrEqual", ComparisonOperator.greaterOrEqual),
      .init("GroupNormalization", GroupNormalizationOperator.init),
      .init("HardSigmoid", ActivationOperator<HardSigmoid<T>>.init),
      .init("HardSwish", ActivationOperator<HardSwish<T>>.init),
      .init("Identity", IdentityOperator.init),
      .init("InstanceNormalization", InstanceNormalizationOperator.init),
      .init("LayerNormalization", LayerNormalizationOperator.init),
      .init("LeakyRelu", ActivationOperator<LeakyRelu<T>>.init),
      .init("Less", ComparisonOperator.less),
      .init("LessOrEqual", ComparisonOperator.lessOrEqual),
      .init("LogSoftmax", SoftmaxOperator.logSoftmax),
      .init("LpPool", LpPoolOperator.init),
      .init("LRN", LRNOperator.init),
      .init("MatMul", MatMulOperator.init),
      .init("MaxPool", MaxPoolOperator.init),
      .init("MaxUnpool", MaxUnpoolOperator.init),
      .init("Mish", ActivationOperator<Mish<T>>.init),
      .init("Mul", MulOperator.init),
      .init("NonZero", NonZeroOperator.init),
      .init("Not", NotOperator.init),
      .init("Or", IntegerOperator.or),
      .init("Pad", PadOperator.init),
      .init("PRelu", PReluOperator.init),
      .init("Range", RangeOperator.init),
      .init("ReduceMax", ReduceMaxOperator.init),
      .init("ReduceMean", ReduceMeanOperator.init),
      .init("ReduceSum", ReduceSumOperator.init),
      .init("Relu", ReluOperator.init),
      .init("Reshape", ReshapeOperator.init),
      .init("Resize", ResizeOperator.init),
      .init("Selu", ActivationOperator<Selu<T>>.init),
      .init("Shape", ShapeOperator.init),
      .init("Sigmoid", SigmoidOperator.init),
      .init("Size", SizeOperator.init),
      .init("Slice", SliceOperator.init),
      .init("Softmax", SoftmaxOperator.softmax),
      .init("Softplus", ActivationOperator<Softplus<T>>.init),
      .init("Softsign", ActivationOperator<Softsign<T>>.init),
      .init("SpaceToDepth", SpaceToDepthOperator.init),
      .init("Split", SplitOperator.init),
      .init("Squeeze", SqueezeOperator.init),
      .init("Sub", SubOperator.init),
      .init("Swish", ActivationOperator<Swish<T>>.init),
      .init("Tanh", TanhOperator.init),
      .init("ThresholdedRelu", ActivationOperator<ThresholdedRelu<T>>.init),
      .init("Tile", TileOperator.init),
      .init("Transpose", TransposeOperator.init),
      .init("Unsqueeze", UnsqueezeOperator.init),
      .init("Upsample", UpsampleOperator.init),
      .init("Where", WhereOperator.init),
      .init("Xor", IntegerOperator.xor),
    ]
  }

  package static func has(_ name: Name) -> Bool { all.contains { name.is($0.name) } }

  /// The operator of this name with these attributes; throws where there is none, or where an attribute is unknown or wrong.
  /// Specialised, so that whatever an operator's initializer makes is, such as loops over elements.
  @_specialize(where T == Float) @_specialize(where T == Double)
  package static func make(_ attributes: Attributes) throws(CNNError) -> Operator<T> {
    for kind in all where attributes.owner.is(kind.name) {
      let made = try kind.create(attributes)
      try attributes.finish()
      return made
    }
    throw CNNError(.unsupported, "operator: \(attributes.owner) is not one that this version has")
  }
}
