// Networks: training, and the state that it leaves.
public import CHeader
import CNNCore
import CNNNetwork
import CNNOperators

@_cdecl("swiftcnn_network_set_loss") @implementation
public func swiftcnn_network_set_loss(
  _ network: OpaquePointer!, _ loss_name: UnsafePointer<CChar>!, _ attributes: UnsafePointer<swiftcnn_attribute>!,
  _ attribute_count: Int
) -> swiftcnn_status {
  func call<T: Element>(_: NetworkHandle, _ network: Network<T>) throws(CNNError) {
    try network.setLoss(decode(loss_name, "loss_name", attributes, attribute_count))
  }
  return status(network, call, call)
}

@_cdecl("swiftcnn_network_set_optimizer") @implementation
public func swiftcnn_network_set_optimizer(
  _ network: OpaquePointer!, _ optimizer_name: UnsafePointer<CChar>!, _ attributes: UnsafePointer<swiftcnn_attribute>!,
  _ attribute_count: Int
) -> swiftcnn_status {
  func call<T: Element>(_: NetworkHandle, _ network: Network<T>) throws(CNNError) {
    try network.setOptimizer(decode(optimizer_name, "optimizer_name", attributes, attribute_count))
  }
  return status(network, call, call)
}

@_cdecl("swiftcnn_network_add_schedule") @implementation
public func swiftcnn_network_add_schedule(
  _ network: OpaquePointer!, _ schedule_name: UnsafePointer<CChar>!, _ attributes: UnsafePointer<swiftcnn_attribute>!,
  _ attribute_count: Int
) -> swiftcnn_status {
  func call<T: Element>(_: NetworkHandle, _ network: Network<T>) throws(CNNError) {
    try network.addSchedule(decode(schedule_name, "schedule_name", attributes, attribute_count))
  }
  return status(network, call, call)
}

@_cdecl("swiftcnn_network_add_augmentation") @implementation
public func swiftcnn_network_add_augmentation(
  _ network: OpaquePointer!, _ augmentation_name: UnsafePointer<CChar>!, _ attributes: UnsafePointer<swiftcnn_attribute>!,
  _ attribute_count: Int
) -> swiftcnn_status {
  func call<T: Element>(_: NetworkHandle, _ network: Network<T>) throws(CNNError) {
    try network.addAugmentation(decode(augmentation_name, "augmentation_name", attributes, attribute_count))
  }
  return status(network, call, call)
}

@_cdecl("swiftcnn_network_clear_augmentations") @implementation
public func swiftcnn_network_clear_augmentations(_ network: OpaquePointer!) -> swiftcnn_status {
  func call<T: Element>(_: NetworkHandle, _ network: Network<T>) throws(CNNError) { network.clearAugmentations() }
  return status(network, call, call)
}

@_cdecl("swiftcnn_network_treat") @implementation
public func swiftcnn_network_treat(
  _ network: OpaquePointer!, _ parameter: Int, _ frozen: Int32, _ rate: Double, _ weight_decay: Double
) -> swiftcnn_status {
  func call<T: Element>(_: NetworkHandle, _ network: Network<T>) throws(CNNError) {
    try network.graph.treat(parameter: parameter, .init(isFrozen: frozen != 0, rate: rate, weightDecay: weight_decay))
  }
  return status(network, call, call)
}

@_cdecl("swiftcnn_network_train_step") @implementation
public func swiftcnn_network_train_step(
  _ network: OpaquePointer!, _ inputs: UnsafePointer<swiftcnn_tensor>!, _ input_count: Int, _ target: swiftcnn_tensor,
  _ loss: UnsafeMutablePointer<Double>!
) -> swiftcnn_status {
  func call<T: Element & CElement>(_: NetworkHandle, _ network: Network<T>) throws(CNNError) {
    guard let loss else { throw .argument("loss: is NULL") }
    loss.pointee = try network.trainStep(decode(inputs, input_count), Target(decoding: target))
  }
  return status(network, call, call)
}

@_cdecl("swiftcnn_network_gradients") @implementation
public func swiftcnn_network_gradients(
  _ network: OpaquePointer!, _ inputs: UnsafePointer<swiftcnn_tensor>!, _ input_count: Int, _ target: swiftcnn_tensor,
  _ loss: UnsafeMutablePointer<Double>!
) -> swiftcnn_status {
  func call<T: Element & CElement>(_: NetworkHandle, _ network: Network<T>) throws(CNNError) {
    guard let loss else { throw .argument("loss: is NULL") }
    loss.pointee = try network.computeGradients(decode(inputs, input_count), Target(decoding: target))
  }
  return status(network, call, call)
}

@_cdecl("swiftcnn_network_update") @implementation
public func swiftcnn_network_update(_ network: OpaquePointer!) -> swiftcnn_status {
  func call<T: Element>(_: NetworkHandle, _ network: Network<T>) throws(CNNError) { try network.update() }
  return status(network, call, call)
}

@_cdecl("swiftcnn_network_train_epoch") @implementation
public func swiftcnn_network_train_epoch(
  _ network: OpaquePointer!, _ inputs: UnsafePointer<swiftcnn_tensor>!, _ input_count: Int, _ target: swiftcnn_tensor,
  _ epoch: UnsafePointer<swiftcnn_epoch>!, _ loss: UnsafeMutablePointer<Double>!
) -> swiftcnn_status {
  func call<T: Element & CElement>(_: NetworkHandle, _ network: Network<T>) throws(CNNError) {
    guard let loss else { throw .argument("loss: is NULL") }
    let c = try decode(epoch, "epoch") { $0.struct_size }
    var options = EpochOptions()
    options.batchSize = Int(c.batch_size)
    options.shuffles = c.shuffle != 0
    options.dropsLast = c.drop_last != 0
    options.firstBatch = Int(c.first_batch)
    options.scores = c.accuracy != nil
    if let progress = c.progress { options.progress = { progress(c.context, Int64($0), Int64($1), $2) == 0 } }
    let result = try network.trainEpoch(decode(inputs, input_count), Target(decoding: target), options)
    loss.pointee = result.loss
    c.accuracy?.pointee = result.accuracy
  }
  return status(network, call, call)
}

@_cdecl("swiftcnn_network_evaluate") @implementation
public func swiftcnn_network_evaluate(
  _ network: OpaquePointer!, _ inputs: UnsafePointer<swiftcnn_tensor>!, _ input_count: Int, _ target: swiftcnn_tensor,
  _ batch_size: Int64, _ loss: UnsafeMutablePointer<Double>!, _ accuracy: UnsafeMutablePointer<Double>!
) -> swiftcnn_status {
  func call<T: Element & CElement>(_: NetworkHandle, _ network: Network<T>) throws(CNNError) {
    guard let loss else { throw .argument("loss: is NULL") }
    guard let accuracy else { throw .argument("accuracy: is NULL") }
    let result = try network.evaluate(decode(inputs, input_count), Target(decoding: target), batchSize: Int(batch_size))
    (loss.pointee, accuracy.pointee) = result
  }
  return status(network, call, call)
}

@_cdecl("swiftcnn_network_report") @implementation
public func swiftcnn_network_report(_ network: OpaquePointer!, _ metric: Double) -> swiftcnn_status {
  func call<T: Element>(_: NetworkHandle, _ network: Network<T>) throws(CNNError) { try network.report(metric) }
  return status(network, call, call)
}

@_cdecl("swiftcnn_network_rate") @implementation
public func swiftcnn_network_rate(_ network: OpaquePointer!, _ rate: UnsafeMutablePointer<Double>!) -> swiftcnn_status {
  func call<T: Element>(_: NetworkHandle, _ network: Network<T>) throws(CNNError) {
    guard let rate else { throw .argument("rate: is NULL") }
    rate.pointee = try network.rate()
  }
  return status(network, call, call)
}

@_cdecl("swiftcnn_network_set_base_rate") @implementation
public func swiftcnn_network_set_base_rate(_ network: OpaquePointer!, _ rate: Double) -> swiftcnn_status {
  func call<T: Element>(_: NetworkHandle, _ network: Network<T>) throws(CNNError) { try network.setBaseRate(rate) }
  return status(network, call, call)
}

@_cdecl("swiftcnn_network_set_recompute") @implementation
public func swiftcnn_network_set_recompute(_ network: OpaquePointer!, _ recompute: Int32) -> swiftcnn_status {
  func call<T: Element>(_: NetworkHandle, _ network: Network<T>) throws(CNNError) {
    network.graph.recomputesActivations = recompute != 0
  }
  return status(network, call, call)
}

@_cdecl("swiftcnn_network_use_averages") @implementation
public func swiftcnn_network_use_averages(_ network: OpaquePointer!, _ use: Int32) -> swiftcnn_status {
  func call<T: Element>(_: NetworkHandle, _ network: Network<T>) throws(CNNError) { try network.useAverages(use != 0) }
  return status(network, call, call)
}

// State

/// Each kind as flat arrays, and gradients as the parameters that they are of; optimizer and training states are arrays of their own.
private func flat<T: Element>(_ network: Network<T>, _ arrays: swiftcnn_arrays) throws(CNNError) -> FlatArrays<T> {
  switch arrays {
  case SWIFTCNN_PARAMETERS, SWIFTCNN_GRADIENTS: network.graph.parameters
  case SWIFTCNN_CONSTANTS: network.graph.buffers
  default: throw .argument("arrays: \(arrays.rawValue) is not one of swiftcnn_arrays that this function takes")
  }
}
private func entry<T: Element>(
  _ network: Network<T>, _ arrays: swiftcnn_arrays, _ index: Int
) throws(CNNError) -> FlatArrays<T>.Entry {
  let entries = try flat(network, arrays).entries
  guard index >= 0 && index < entries.count else {
    throw .argument("index: wanted less than \(entries.count), got \(index)")
  }
  return entries[index]
}

@_cdecl("swiftcnn_network_array_count") @implementation
public func swiftcnn_network_array_count(
  _ network: OpaquePointer!, _ arrays: swiftcnn_arrays, _ count: UnsafeMutablePointer<Int>!
) -> swiftcnn_status {
  func call<T: Element>(_: NetworkHandle, _ network: Network<T>) throws(CNNError) {
    guard let count else { throw .argument("count: is NULL") }
    switch arrays {
    case SWIFTCNN_OPTIMIZER_STATES: count.pointee = try network.optimizerStates().count
    case SWIFTCNN_TRAINING_STATES: count.pointee = try network.trainingStates().count
    default: count.pointee = try flat(network, arrays).entries.count
    }
  }
  return status(network, call, call)
}

@_cdecl("swiftcnn_network_array_shape") @implementation
public func swiftcnn_network_array_shape(
  _ network: OpaquePointer!, _ arrays: swiftcnn_arrays, _ index: Int, _ name: UnsafeMutablePointer<UnsafePointer<CChar>?>!,
  _ shape: UnsafeMutablePointer<Int64>!, _ rank: UnsafeMutablePointer<Int32>!
) -> swiftcnn_status {
  func call<T: Element>(_ handle: NetworkHandle, _ network: Network<T>) throws(CNNError) {
    guard let name else { throw .argument("name: is NULL") }
    let entry = try entry(network, arrays, index)
    try encode(entry.shape, shape, rank)
    name.pointee = handle.show(arrays, index, entry.shape, entry.name).name
  }
  return status(network, call, call)
}

@_cdecl("swiftcnn_network_array") @implementation
public func swiftcnn_network_array(
  _ network: OpaquePointer!, _ arrays: swiftcnn_arrays, _ index: Int, _ name: UnsafeMutablePointer<UnsafePointer<CChar>?>!,
  _ array: UnsafeMutablePointer<swiftcnn_tensor>!
) -> swiftcnn_status {
  func call<T: Element & CElement>(_ handle: NetworkHandle, _ network: Network<T>) throws(CNNError) {
    guard let name else { throw .argument("name: is NULL") }
    guard let array else { throw .argument("array: is NULL") }
    func wanted(_ count: Int) throws(CNNError) {
      guard index >= 0 && index < count else { throw .argument("index: wanted less than \(count), got \(index)") }
    }
    func show(_ text: Name, _ shape: Shape, _ data: UnsafeMutableRawPointer, _ type: swiftcnn_type? = nil) {
      let shown = handle.show(arrays, index, shape, text)
      name.pointee = shown.name
      array.pointee = swiftcnn_tensor(data: data, shape: shown.shape, rank: Int32(shape.rank), type: type ?? T.type)
    }
    switch arrays {
    case SWIFTCNN_OPTIMIZER_STATES:
      let states = try network.optimizerStates()
      try wanted(states.count)
      show(Name("state \(index)"), try Shape("state", states[index].count), states[index].data)
    case SWIFTCNN_TRAINING_STATES:
      let states = try network.trainingStates()
      try wanted(states.count)
      switch states[index].memory {
      case .network(let block): show(states[index].name, try Shape("state", block.count), block.data)
      case .double(let block): show(states[index].name, try Shape("state", block.count), block.data, SWIFTCNN_FLOAT64)
      }
    default:
      let entry = try entry(network, arrays, index)
      let data =
        arrays == SWIFTCNN_GRADIENTS
        ? try network.gradientMemory() + entry.offset : try flat(network, arrays).array(index).data
      handle.lend(arrays)
      show(entry.name, entry.shape, data)
    }
  }
  return status(network, call, call)
}

@_cdecl("swiftcnn_network_flat_array") @implementation
public func swiftcnn_network_flat_array(
  _ network: OpaquePointer!, _ arrays: swiftcnn_arrays, _ array: UnsafeMutablePointer<swiftcnn_tensor>!
) -> swiftcnn_status {
  func call<T: Element & CElement>(_ handle: NetworkHandle, _ network: Network<T>) throws(CNNError) {
    guard let array else { throw .argument("array: is NULL") }
    let list = try flat(network, arrays)
    let memory = try arrays == SWIFTCNN_GRADIENTS ? network.gradientMemory() : list.memory()
    handle.lend(arrays)
    let shown = handle.show(arrays, -1, try Shape("array", list.count), "all")
    array.pointee = swiftcnn_tensor(data: memory, shape: shown.shape, rank: 1, type: T.type)
  }
  return status(network, call, call)
}

@_cdecl("swiftcnn_network_return_arrays") @implementation
public func swiftcnn_network_return_arrays(_ network: OpaquePointer!) -> swiftcnn_status {
  func call<T: Element>(_ handle: NetworkHandle, _: Network<T>) throws(CNNError) { handle.takeBack() }
  return status(network, call, call)
}

@_cdecl("swiftcnn_network_progress") @implementation
public func swiftcnn_network_progress(
  _ network: OpaquePointer!, _ progress: UnsafeMutablePointer<Int64>!
) -> swiftcnn_status {
  func call<T: Element>(_: NetworkHandle, _ network: Network<T>) throws(CNNError) {
    guard let progress else { throw .argument("progress: is NULL") }
    let done = network.progress
    (progress[0], progress[1], progress[2]) = (Int64(done.steps), Int64(done.updates), Int64(done.epochs))
  }
  return status(network, call, call)
}

@_cdecl("swiftcnn_network_set_progress") @implementation
public func swiftcnn_network_set_progress(_ network: OpaquePointer!, _ progress: UnsafePointer<Int64>!) -> swiftcnn_status {
  func call<T: Element>(_: NetworkHandle, _ network: Network<T>) throws(CNNError) {
    guard let progress else { throw .argument("progress: is NULL") }
    for i in 0..<3 where progress[i] < 0 || progress[i] > 1 << 48 {
      throw .argument("progress[\(i)]: wanted 0 to 2^48, got \(progress[i])")
    }
    var done = Progress()
    (done.steps, done.updates, done.epochs) = (Int(progress[0]), Int(progress[1]), Int(progress[2]))
    network.progress = done
  }
  return status(network, call, call)
}
