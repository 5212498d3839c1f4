// From an ONNX model to a network: the model's operators are the engine's, so that a node becomes a node. What differs between operator
// sets is made equal first (OperatorVersions.swift).
import CNNCore
import CNNNetwork
import CNNOperators

final class ModelReader<T: Element> {
  let network: Network<T>
  private let model: ModelProto
  private let file: FileBytes, external: ExternalData
  private var functions = NameTable<FunctionProto>()
  /// Which arrays some node or output uses; a node's last outputs may be left out where nobody does.
  private var used = NameTable<Bool>()
  private var nodeCount = 0

  /// More nodes than any network has: a file of functions that call each other many times could mean any number.
  private static var mostNodes: Int { 1 << 18 }
  private static var mostCalls: Int { 32 }

  init(_ model: ModelProto, _ file: FileBytes, _ external: ExternalData, into network: Network<T>) {
    (self.model, self.file, self.external, self.network) = (model, file, external, network)
  }

  func read() throws(CNNError) {
    let version = model.sets.isEmpty ? 1 : model.sets.standard
    guard version >= 6 else { throw CNNError(.unsupported, "the model is of operator set \(version); wanted 7 or a later one") }
    if model.graph.hasSparseInitializers { throw CNNError(.unsupported, "the model has sparse initializers") }
    for function in model.functions { functions.set(ModelReader.key(function.domain, function.name), function) }
    try refuseMissing()
    noteUses()

    let scope = Scope(version: version)
    var initial = NameTable<Bool>()
    for message in model.graph.initializers {
      let tensor = try TensorProto(message, in: file, external: external)
      let constant = Constant(tensor.name, tensor)
      // Where the file says what is trained, in its order: the states of an optimizer are in the order of the parameters.
      if tensor.role != nil { _ = try value(constant, of: "", input: 0) }
      try scope.define(tensor.name, .constant(constant))
      initial.set(tensor.name, true)
    }
    // Old models list initializers among the inputs too.
    for input in model.graph.inputs where initial[input.name] == nil {
      guard let type = input.type.flatMap({ $0.elementType(T.self) }) else {
        throw CNNError(
          .unsupported, "input \(input.name): wanted numbers or truth values, got \(input.type?.name ?? "no tensor")")
      }
      let value = network.graph.input(input.name, type: type, shape: ModelReader.example(input))
      try scope.define(input.name, .value(value))
      network.ports.inputs.append(ModelReader.port(input))
    }
    for node in model.graph.nodes { try add(node, scope) }
    try setOutputs(scope)
  }

  // Inputs and outputs

  private static func key(_ domain: Name, _ name: Name) -> Name { Name("\(domain)/\(name)") }

  /// The shape that is said, where it is said wholly.
  private static func example(_ info: ValueInfoProto) -> Shape? {
    guard let extents = info.extents, extents.allSatisfy({ $0 != nil }) else { return nil }
    return try? Shape("input", rank: extents.count) { extents[$0] ?? 1 }
  }
  private static func port(_ info: ValueInfoProto) -> Port {
    Port(name: info.name, type: info.type?.rawValue ?? 0, extents: info.extents)
  }

  private func setOutputs(_ scope: Scope) throws(CNNError) {
    guard !model.graph.outputs.isEmpty else { throw .broken("the graph has no outputs") }
    var outputs: [ValueID] = []
    for output in model.graph.outputs {
      guard let source = scope[output.name] else { throw .broken("output \(output.name): no node gives it") }
      var id = try value(source, for: output.name)
      // Outputs are arrays of their own, and each is what a node has written.
      let isComputed = if case .node = try network.graph.value(id, "output").source { true } else { false }
      if !isComputed || outputs.contains(id) {
        id = try network.graph.add("Identity", inputs: [id], name: output.name, names: [output.name])[0]
      }
      outputs.append(id)
      network.ports.outputs.append(ModelReader.port(output))
    }
    try network.graph.setOutputs(outputs)
  }

  /// An operator that there is none of is an error that names all of them.
  private func refuseMissing() throws(CNNError) {
    var missing = NameTable<(count: Int, first: [Name])>(), seen = NameTable<Bool>()
    func look(_ nodes: [NodeProto]) {
      for node in nodes {
        let key = ModelReader.key(node.domain, node.operatorName)
        if let function = functions[key] {
          if !seen.set(key, true) { look(function.nodes) }
        } else if !isKnown(node) {
          let name = node.domain.isEmpty ? node.operatorName : Name("\(node.domain).\(node.operatorName)")
          let before = missing[name] ?? (0, [])
          missing.set(name, (before.count + 1, before.count < 3 ? before.first + [node.label] : before.first))
        }
      }
    }
    look(model.graph.nodes)
    guard !missing.entries.isEmpty else { return }
    let list = missing.entries.map { name, nodes in
      "\(name) (\(nodes.count == 1 ? "node" : "\(nodes.count) nodes:") "
        + nodes.first.map { $0.description }.joined(separator: ", ") + (nodes.count > nodes.first.count ? ", …)" : ")")
    }
    throw CNNError(.unsupported, "the model has operators that this version does not have: " + list.joined(separator: "; "))
  }
  private func isKnown(_ node: NodeProto) -> Bool {
    guard node.domain.isEmpty else { return false }
    return OperatorKind<T>.has(node.operatorName) || node.operatorName.is("Constant")
  }

  private func noteUses() {
    for output in model.graph.outputs { used.set(output.name, true) }
    for node in model.graph.nodes { for input in node.inputs { used.set(input, true) } }
  }

  // Nodes

  private func add(_ node: NodeProto, _ scope: Scope) throws(CNNError) {
    nodeCount += 1
    guard nodeCount <= ModelReader.mostNodes else {
      throw CNNError(.unsupported, "the model has over \(ModelReader.mostNodes) nodes, functions unfolded")
    }
    let name = Name("\(scope.prefix)\(node.label)")
    var inputs: [Source] = []
    for input in node.inputs {
      guard !input.isEmpty else {
        inputs.append(.absent)
        continue
      }
      guard let source = scope[input] else {
        throw .broken("\(name) (\(node.operatorName)): its input \(input) is given by no node before it")
      }
      inputs.append(source)
    }
    if let function = functions[ModelReader.key(node.domain, node.operatorName)] {
      return try call(function, node, name, inputs, scope)
    }
    try naming(name, node.operatorName) { () throws(CNNError) in try add(node, name, inputs, scope) }
  }

  private func add(_ node: NodeProto, _ name: Name, _ inputs: [Source], _ scope: Scope) throws(CNNError) {
    let attributes = try resolve(node.attributes, scope)
    if node.operatorName.is("Constant") {
      return try define(node, .constant(Constant(name, try constant(attributes))), scope)
    }
    if node.operatorName.is("Identity"), let input = inputs.first { return try define(node, input, scope) }
    if node.operatorName.is("ConstantOfShape"), case .constant(let shape)? = inputs.first {
      let filled = try TensorProto(extents(shape.tensor), filledWith: value(attributes))
      return try define(node, .constant(Constant(name, filled)), scope)
    }
    // The outputs of old normalizations, and masks, that nobody uses. (In functions they are few.)
    var outputs = node.outputs
    while let last = outputs.last, outputs.count > 1, last.isEmpty || scope.depth == 0 && used[last] == nil {
      outputs.removeLast()
    }
    var draft = NodeDraft(node.operatorName, inputs, try plain(attributes), outputs: outputs.count, version: scope.version)
    try draft.modernize { [network] source in
      switch source {
      case .absent: nil
      case .constant(let constant): constant.tensor.shape.rank
      case .value(let id): (try? network.graph.value(id, "input"))?.shape?.rank
      }
    }
    let results = try write(draft, name, outputs)
    for (output, result) in zip(outputs, results) where !output.isEmpty { try scope.define(output, .value(result)) }
  }

  /// Adds what the draft says; its first nodes, if it has several, get names of their own.
  private func write(_ draft: NodeDraft, _ name: Name, _ outputs: [Name]) throws(CNNError) -> [ValueID] {
    var inputs: [ValueID?] = []
    for (i, source) in draft.inputs.enumerated() {
      switch source {
      case .absent: inputs.append(nil)
      case .value(let id): inputs.append(id)
      case .constant(let constant): inputs.append(try value(constant, of: draft.operatorName, input: i))
      }
    }
    while let last = inputs.last, last == nil { inputs.removeLast() }
    for step in draft.before {
      let id = try network.graph.add(
        step.operatorName, step.attributes, inputs: [inputs[step.input]], name: Name("\(name)/\(step.operatorName)"))[0]
      inputs[step.input] = id
    }
    let names = outputs.map { $0.isEmpty ? name : $0 }, graph = network.graph
    guard let axis = draft.matrixAxis, let x = inputs.first else {
      return try graph.add(
        draft.operatorName, draft.attributes, inputs: inputs, outputs: outputs.count, name: name, names: names)
    }
    let shape = try graph.add("Shape", inputs: [x], name: Name("\(name)/Shape"))[0]
    let matrix = try graph.add("Flatten", [Attribute("axis", .int(axis))], inputs: [x], name: Name("\(name)/Flatten"))[0]
    let rows = try graph.add(draft.operatorName, draft.attributes, inputs: [matrix], name: name)[0]
    return try graph.add("Reshape", inputs: [rows, shape], name: Name("\(name)/Reshape"), names: names)
  }

  private func define(_ node: NodeProto, _ source: Source, _ scope: Scope) throws(CNNError) {
    guard node.outputs.count == 1 else { throw .broken("wanted 1 output, got \(node.outputs.count)") }
    try scope.define(node.outputs[0], source)
  }

  /// The body of a function in the place of a node that calls it.
  private func call(
    _ function: FunctionProto, _ node: NodeProto, _ name: Name, _ inputs: [Source], _ scope: Scope
  ) throws(CNNError) {
    guard scope.depth < ModelReader.mostCalls else {
      throw .broken("\(node.label) (\(node.operatorName)): functions call each other more than \(ModelReader.mostCalls) deep")
    }
    guard inputs.count <= function.inputs.count && node.outputs.count <= function.outputs.count else {
      throw .broken("\(name) (\(node.operatorName)): has more inputs or outputs than its function")
    }
    let version = function.sets.isEmpty ? scope.version : function.sets.standard
    let inside = Scope(
      version: version, prefix: "\(name)/", attributes: try resolve(node.attributes, scope) + function.defaults,
      depth: scope.depth + 1)
    for (i, input) in function.inputs.enumerated() { try inside.define(input, i < inputs.count ? inputs[i] : .absent) }
    for inner in function.nodes { try add(inner, inside) }
    for (output, inner) in zip(node.outputs, function.outputs) where !output.isEmpty {
      guard let source = inside[inner] else { throw .broken("\(name): no node of function \(function.name) gives \(inner)") }
      try scope.define(output, source)
    }
  }

  // Attributes

  /// References to the attributes of the function around, put in their place; what is not given there is not given here.
  private func resolve(_ attributes: [AttributeProto], _ scope: Scope) throws(CNNError) -> [AttributeProto] {
    var list: [AttributeProto] = []
    for attribute in attributes {
      guard case .reference(let wanted) = attribute.value else {
        list.append(attribute)
        continue
      }
      if let given = scope.attributes.first(where: { $0.name == wanted }) {
        list.append(AttributeProto(name: attribute.name, given.value))
      }
    }
    return list
  }
  private func plain(_ attributes: [AttributeProto]) throws(CNNError) -> [Attribute] {
    var list: [Attribute] = []
    for attribute in attributes {
      switch attribute.value {
      case .plain(let value): list.append(Attribute(attribute.name, value))
      case .tensor(let message):
        let tensor = try TensorProto(message, in: file, external: external)
        list.append(Attribute(attribute.name, .tensor(try tensor.typed(T.self))))
      case .reference: throw .broken("attribute \(attribute.name) refers to another one")
      case .unsupported(let what): throw CNNError(.unsupported, "attribute \(attribute.name) is \(what)")
      }
    }
    return list
  }

  private func constant(_ attributes: [AttributeProto]) throws(CNNError) -> TensorProto {
    guard attributes.count == 1 else { throw .broken("wanted one attribute, got \(attributes.count)") }
    switch attributes[0].value {
    case .tensor(let message): return try TensorProto(message, in: file, external: external)
    case .plain(.float(let number)): return try TensorProto(numbers: [number], scalar: true)
    case .plain(.floats(let numbers)): return try TensorProto(numbers: numbers, scalar: false)
    case .plain(.int(let number)): return try TensorProto(integers: [number], scalar: true)
    case .plain(.ints(let numbers)): return try TensorProto(integers: numbers, scalar: false)
    case .plain(.tensor), .plain(.string): throw CNNError(.unsupported, "its value is a text")
    case .unsupported(let what): throw CNNError(.unsupported, "its value is \(what)")
    case .reference(let name): throw .broken("it refers to \(name)")
    }
  }

  /// ConstantOfShape's value: a 0 unless it is given.
  private func value(_ attributes: [AttributeProto]) throws(CNNError) -> TensorProto {
    guard let attribute = attributes.first else { return try TensorProto(numbers: [0], scalar: true) }
    guard attributes.count == 1, case .tensor(let message) = attribute.value else {
      throw .broken("wanted one attribute, a tensor, got \(attributes.count)")
    }
    return try TensorProto(message, in: file, external: external)
  }
  private func extents(_ tensor: TensorProto) throws(CNNError) -> Shape {
    guard tensor.type == .int64 && tensor.shape.rank <= 1 && tensor.shape.count <= Shape.maximumRank else {
      throw .broken("input: wanted a list of int64, got \(tensor.shape.description) of \(tensor.type.name)")
    }
    let list = try tensor.integers()
    return try Shape("input", rank: list.count) { list[$0] }
  }

  // Constants

  private func value(_ source: Source, for name: Name) throws(CNNError) -> ValueID {
    switch source {
    case .absent: throw .broken("\(name): is absent")
    case .value(let id): return id
    case .constant(let constant): return try value(constant, of: "Identity", input: 0)
    }
  }

  private func value(_ constant: Constant, of operatorName: Name, input: Int) throws(CNNError) -> ValueID {
    if let value = constant.value { return value }
    let tensor = constant.tensor, graph = network.graph, value: ValueID
    let isTrained = isTrainable(operatorName, input: input) && tensor.shape.count > 1
    switch tensor.type.isFloating
      ? tensor.role ?? (isTrained ? .parameter : isStatistic(operatorName, input) ? .buffer : .constant) : .constant
    {
    case .parameter:
      if let write = tensor.lastingWrite(T.self) {
        value = try graph.parameter(constant.name, tensor.shape, isLasting: true, write)
      } else {
        value = try graph.parameter(constant.name, tensor.shape) { array throws(CNNError) in try tensor.write(to: array.data) }
      }
    case .buffer:
      value = try graph.buffer(constant.name, tensor.shape) { array throws(CNNError) in try tensor.write(to: array.data) }
    case .constant: value = try graph.constant(constant.name, tensor.typed(T.self))
    }
    constant.value = value
    return value
  }
}

/// What training changes by itself.
private func isStatistic(_ operatorName: Name, _ input: Int) -> Bool { operatorName.is("BatchNormalization") && input > 2 }

/// Whether training changes a constant that is this input of such a node. A single number is never one: what divides by 6 stays that.
func isTrainable(_ operatorName: Name, input: Int) -> Bool {
  let both: [StaticString] = ["MatMul", "Add", "Mul", "Sub"]
  if both.contains(where: { operatorName.is($0) }) { return true }
  let weights: [StaticString] = [
    "BatchNormalization", "Conv", "ConvTranspose", "Gemm", "GroupNormalization", "InstanceNormalization", "LayerNormalization",
    "PRelu", "RMSNormalization",
  ]
  return (1...2).contains(input) && weights.contains { operatorName.is($0) }
}
