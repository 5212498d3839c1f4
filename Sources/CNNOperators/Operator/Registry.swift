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
      .init("AveragePool", AveragePoolOperator.init),
      .init("BatchNormalization", BatchNormalizationOperator.init),
      .init("Concat", ConcatOperator.init),
      .init("Conv", ConvOperator.init),
      .init("ConvTranspose", ConvTransposeOperator.init),
      .init("DepthToSpace", DepthToSpaceOperator.init),
      .init("Div", DivOperator.init),
      .init("Dropout", DropoutOperator.init),
      .init("Flatten", FlattenOperator.init),
      .init("Gemm", GemmOperator.init),
      .init("GlobalAveragePool", GlobalAveragePoolOperator.init),
      .init("GlobalMaxPool", GlobalMaxPoolOperator.init),
      .init("Identity", IdentityOperator.init),
      .init("LogSoftmax", SoftmaxOperator.logSoftmax),
      .init("MatMul", MatMulOperator.init),
      .init("MaxPool", MaxPoolOperator.init),
      .init("MaxUnpool", MaxUnpoolOperator.init),
      .init("Mul", MulOperator.init),
      .init("Pad", PadOperator.init),
      .init("ReduceMax", ReduceMaxOperator.init),
      .init("ReduceMean", ReduceMeanOperator.init),
      .init("ReduceSum", ReduceSumOperator.init),
      .init("Relu", ReluOperator.init),
      .init("Reshape", ReshapeOperator.init),
      .init("Resize", ResizeOperator.init),
      .init("Sigmoid", SigmoidOperator.init),
      .init("Slice", SliceOperator.init),
      .init("Softmax", SoftmaxOperator.softmax),
      .init("SpaceToDepth", SpaceToDepthOperator.init),
      .init("Split", SplitOperator.init),
      .init("Squeeze", SqueezeOperator.init),
      .init("Sub", SubOperator.init),
      .init("Tanh", TanhOperator.init),
      .init("Transpose", TransposeOperator.init),
      .init("Unsqueeze", UnsqueezeOperator.init),
      .init("Upsample", UpsampleOperator.init),
    ]
  }

  /// The operator of this name with these attributes; throws where there is none, or where an attribute is unknown or wrong.
  package static func make(_ attributes: Attributes) throws(CNNError) -> Operator<T> {
    for kind in all where attributes.owner.is(kind.name) {
      let made = try kind.create(attributes)
      try attributes.finish()
      return made
    }
    throw CNNError(.unsupported, "operator: \(attributes.owner) is not one that this version has")
  }
}
