/* Networks: x[2][3] -> Gemm with w[3][4] -> y[2][4], trained on classes target[2]. */
#include "bad_input.h"

static swiftcnn_network *network = NULL, *network_pointer, *made, **made_pointer;
static swiftcnn_value input, weight_value, result, *value_pointer, nodes[2];
static swiftcnn_attribute attribute;
static swiftcnn_epoch epoch, *epoch_pointer;
static const char *text, *node_text, *initializer, *loss_name, *optimizer_name, *schedule_name, *augmentation_name;
static const int64_t *shape_pointer;
static int64_t shape[12], batch_size, progress[3], *progress_pointer, bytes, *bytes_pointer;
static int32_t rank, shape_rank, *rank_pointer;
static size_t step_count, *step_count_pointer, inputs_given, outputs_given, node_inputs, attributes_given, index_given;
static double accuracy, *accuracy_pointer, factor, metric;
static swiftcnn_tensor array_given, *array_pointer, *inputs_pointer, *outputs_pointer;
static swiftcnn_arrays kind;
static swiftcnn_type input_type, *type_pointer;
static swiftcnn_step steps[4], *steps_pointer;
static int32_t runs;

static void network_fixture(void) {
  canary();
  swiftcnn_network_free(network);
  array(x, element, 2, 2, 3, 0, 0);
  array(y, element, 2, 2, 4, 0, 0);
  array(target, SWIFTCNN_INT64, 1, 2, 0, 0, 0);
  fill(x);
  clear(target);
  extents(shape, 3, 4, 1, 1);
  swiftcnn_attribute rate = SWIFTCNN_FLOAT("lr", 0.1), none = SWIFTCNN_INT("transB", 0);
  swiftcnn_epoch defaults = SWIFTCNN_EPOCH_DEFAULTS(1);
  attribute = none;
  epoch = defaults;
  swiftcnn_network_create(element, 1, &network);
  swiftcnn_network_input(network, "x", element, x->shape, 2, &input);
  swiftcnn_network_parameter(network, "w", shape, 2, "HeNormal", NULL, 0, &weight_value);
  nodes[0] = input;
  nodes[1] = weight_value;
  swiftcnn_network_add(network, "Gemm", "dense", NULL, 0, nodes, 2, &result, 1);
  swiftcnn_network_set_outputs(network, &result, 1);
  swiftcnn_network_set_loss(network, "SoftmaxCrossEntropyLoss", NULL, 0);
  swiftcnn_network_set_optimizer(network, "SGD", &rate, 1);
  network_pointer = network;
  made_pointer = &made;
  epoch_pointer = &epoch;
  value_pointer = &result;
  text = "new";
  node_text = "Gemm";
  initializer = "HeNormal";
  loss_name = "MSELoss";
  optimizer_name = "SGD";
  schedule_name = "LinearLR";
  augmentation_name = "Cutout";
  shape_pointer = shape;
  input_type = element;
  type_pointer = &input_type;
  rank = 2;
  rank_pointer = &shape_rank;
  shape_rank = 0;
  inputs_given = outputs_given = attributes_given = 1;
  node_inputs = 2;
  index_given = 0;
  batch_size = 1;
  accuracy_pointer = &accuracy;
  inputs_pointer = &x->tensor;
  outputs_pointer = &y->tensor;
  array_pointer = &array_given;
  progress_pointer = progress;
  bytes_pointer = &bytes;
  steps_pointer = steps;
  runs = 1;
  step_count = 4;
  step_count_pointer = &step_count;
  progress[0] = progress[1] = progress[2] = 0;
  factor = 1;
  metric = 0;
  kind = SWIFTCNN_PARAMETERS;
}
/* The attribute of what goes by name. */
static void rate_fixture(void) {
  network_fixture();
  swiftcnn_attribute rate = SWIFTCNN_FLOAT("lr", 0.1);
  attribute = rate;
}
static void delta_fixture(void) {
  network_fixture();
  swiftcnn_attribute delta = SWIFTCNN_STRING("reduction", "mean");
  attribute = delta;
}
static void step_fixture(void) {
  network_fixture();
  swiftcnn_attribute length = SWIFTCNN_INT("total_iters", 2);
  attribute = length;
}
static void length_fixture(void) {
  network_fixture();
  swiftcnn_attribute length = SWIFTCNN_INT("length", 2);
  attribute = length;
}
static void gain_fixture(void) {
  network_fixture();
  swiftcnn_attribute gain = SWIFTCNN_FLOAT("gain", 2);
  attribute = gain;
}

CALL(network_input, network_pointer, text, input_type, shape_pointer, rank, value_pointer)
CALL(network_parameter, network_pointer, text, shape_pointer, rank, initializer, &attribute, attributes_given, value_pointer)
CALL(network_constant, network_pointer, text, x->tensor, value_pointer)
CALL(network_add, network_pointer, node_text, NULL, &attribute, attributes_given, nodes, node_inputs, value_pointer,
     outputs_given)
CALL(network_set_outputs, network_pointer, value_pointer, outputs_given)
CALL(network_shape, network_pointer, result, y_shape_pointer, rank_pointer)
CALL(network_output_shape, network_pointer, inputs_pointer, inputs_given, index_given, y_shape_pointer, rank_pointer)
CALL(network_output_type, network_pointer, inputs_pointer, inputs_given, index_given, type_pointer)
CALL(network_predict, network_pointer, inputs_pointer, inputs_given, outputs_pointer, outputs_given)
CALL(network_profile, network_pointer, inputs_pointer, inputs_given, runs, steps_pointer, step_count_pointer, NULL)
CALL(network_set_loss, network_pointer, loss_name, &attribute, attributes_given)
CALL(network_set_optimizer, network_pointer, optimizer_name, &attribute, attributes_given)
CALL(network_add_schedule, network_pointer, schedule_name, &attribute, attributes_given)
CALL(network_set_seed, network_pointer, 7)
CALL(network_memory, network_pointer, inputs_pointer, inputs_given, 1, bytes_pointer)
CALL(network_gradients, network_pointer, inputs_pointer, inputs_given, target->tensor, loss_pointer)
CALL(network_update, network_pointer)
CALL(network_set_base_rate, network_pointer, factor)
CALL(network_use_averages, network_pointer, (int32_t)index_given)
CALL(network_set_recompute, network_pointer, 1)
CALL(network_add_augmentation, network_pointer, augmentation_name, &attribute, attributes_given)
CALL(network_clear_augmentations, network_pointer)
CALL(network_treat, network_pointer, index_given, 0, factor, factor)
CALL(network_train_step, network_pointer, inputs_pointer, inputs_given, target->tensor, loss_pointer)
CALL(network_train_epoch, network_pointer, inputs_pointer, inputs_given, target->tensor, epoch_pointer, loss_pointer)
CALL(network_evaluate, network_pointer, inputs_pointer, inputs_given, target->tensor, batch_size, loss_pointer,
     accuracy_pointer)
CALL(network_report, network_pointer, metric)
CALL(network_rate, network_pointer, accuracy_pointer)
CALL(network_array_count, network_pointer, kind, &index_given)
CALL(network_array, network_pointer, kind, index_given, name_pointer, array_pointer)
CALL(network_array_shape, network_pointer, kind, index_given, name_pointer, y_shape_pointer, rank_pointer)
CALL(network_flat_array, network_pointer, kind, array_pointer)
CALL(network_return_arrays, network_pointer)
CALL(network_progress, network_pointer, progress_pointer)
CALL(network_set_progress, network_pointer, progress_pointer)

/* C++ has no cast that may make a value outside an enum. */
static void set_input_type(int32_t code) { memcpy(&input_type, &code, sizeof code); }
static void set_kind(int32_t code) { memcpy(&kind, &code, sizeof code); }
static void set_attribute_type(int32_t code) { memcpy(&attribute.type, &code, sizeof code); }

#define BAD_NETWORK(call) BAD(call, ARGUMENT, "network", network_pointer = NULL)
/* What can be wrong with an attribute, the only one, whose type is not STRING. */
#define BAD_ATTRIBUTE(call)                                             \
  do {                                                                  \
    BAD(call, ARGUMENT, "attributes", attributes_given = SIZE_MAX);     \
    BAD(call, ARGUMENT, "attributes", attribute.name = NULL);           \
    BAD(call, ARGUMENT, "nonsense", attribute.name = "nonsense");       \
    BAD(call, ARGUMENT, "attributes", set_attribute_type(0));           \
    BAD(call, ARGUMENT, "attributes", set_attribute_type(77));          \
    BAD(call, ARGUMENT, "attributes", set_attribute_type(SWIFTCNN_ATTRIBUTE_STRING), attribute.text = NULL);             \
    BAD(call, ARGUMENT, "attributes", set_attribute_type(SWIFTCNN_ATTRIBUTE_INTS), attribute.count = 3);                 \
    BAD(call, ARGUMENT, "attributes", set_attribute_type(SWIFTCNN_ATTRIBUTE_FLOATS), attribute.count = SIZE_MAX);        \
    BAD(call, ARGUMENT, attribute.name, set_attribute_type(SWIFTCNN_ATTRIBUTE_INTS));                                    \
  } while (0)
#define BAD_INPUTS(call)                                                            \
  do {                                                                              \
    BAD_NETWORK(call);                                                              \
    BAD(call, ARGUMENT, "inputs", inputs_pointer = NULL);                           \
    BAD(call, ARGUMENT, "inputs", inputs_given = 0);                                \
    BAD(call, ARGUMENT, "inputs", inputs_given = SIZE_MAX);                         \
    BAD(call, ARGUMENT, "inputs", x->tensor.data = NULL);                           \
    BAD(call, ARGUMENT, "inputs", x->tensor.shape = NULL);                          \
    BAD(call, ARGUMENT, "inputs", misalign(x));                                     \
    BAD(call, SHAPE, "inputs", x->tensor.rank = -1);                                \
    BAD(call, SHAPE, "inputs", set_rank(x, 9));                                     \
    BAD(call, SHAPE, "inputs", x->shape[0] = -1);                                   \
    BAD(call, SHAPE, "inputs", x->shape[0] = HUGE_EXTENT);                          \
    BAD(call, TYPE, "inputs", x->tensor.type = other);                              \
    BAD(call, TYPE, "inputs", set_code(x, 77));                                     \
    BAD(call, SHAPE, "dense", x->shape[1] = 2); /* the node where it does not fit */ \
  } while (0)
#define BAD_TARGET(call)                                                    \
  do {                                                                      \
    BAD(call, ARGUMENT, "target", target->tensor.data = NULL);              \
    BAD(call, ARGUMENT, "target", misalign(target));                        \
    BAD(call, SHAPE, "target", target->shape[0] = 1);                       \
    BAD(call, SHAPE, "target", set_rank(target, 2));                        \
    BAD(call, TYPE, "target", target->tensor.type = SWIFTCNN_UINT8);        \
    BAD(call, TYPE, "target", target->tensor.type = other);                 \
    BAD(call, ARGUMENT, "target", ((int64_t *)target->storage)[1] = 4);     \
    BAD(call, ARGUMENT, "target", ((int64_t *)target->storage)[0] = -1);    \
    BAD(call, ARGUMENT, "loss", loss_pointer = NULL);                       \
  } while (0)

static swiftcnn_status create_call(void) {
  swiftcnn_type type = shape_rank == 77 ? SWIFTCNN_INT32 : element;
  swiftcnn_status status = swiftcnn_network_create(type, 0, made_pointer);
  if (status == SWIFTCNN_OK) swiftcnn_network_free(made);
  return status;
}

void network_rows(void) {
  swiftcnn_network_free(NULL);
  fixture = network_fixture;
  BAD(create_call, ARGUMENT, "network", made_pointer = NULL);
  BAD(create_call, TYPE, "type", shape_rank = 77);

  BAD_NETWORK(network_input);
  BAD(network_input, ARGUMENT, "name", text = NULL);
  BAD(network_input, TYPE, "type", input_type = other);
  BAD(network_input, TYPE, "type", set_input_type(77));
  BAD(network_input, SHAPE, "shape", rank = 9);
  BAD(network_input, SHAPE, "shape", rank = -1);
  BAD(network_input, SHAPE, "shape", shape[0] = -1);
  BAD(network_input, ARGUMENT, "value", value_pointer = NULL);
  BAD_NETWORK(network_constant);
  BAD(network_constant, ARGUMENT, "name", text = NULL);
  BAD(network_constant, TYPE, "data", x->tensor.type = other);
  BAD(network_constant, ARGUMENT, "data", x->tensor.data = NULL);
  BAD(network_constant, ARGUMENT, "value", value_pointer = NULL);
  BAD_NETWORK(network_add);
  BAD(network_add, ARGUMENT, "operator_name", node_text = NULL);
  BAD(network_add, UNSUPPORTED, "operator", node_text = "Nonsense");
  BAD(network_add, ARGUMENT, "inputs", nodes[0] = 99);
  BAD(network_add, ARGUMENT, "inputs", nodes[0] = -2);
  BAD(network_add, ARGUMENT, "a", nodes[0] = SWIFTCNN_ABSENT);
  BAD(network_add, ARGUMENT, "inputs", node_inputs = 1);
  BAD(network_add, ARGUMENT, "inputs", node_inputs = SIZE_MAX);
  BAD(network_add, ARGUMENT, "outputs", value_pointer = NULL);
  BAD(network_add, ARGUMENT, "outputs", outputs_given = 0);
  BAD(network_add, ARGUMENT, "outputs", outputs_given = 2);
  BAD(network_add, ARGUMENT, "output_count", outputs_given = SIZE_MAX);
  BAD(network_add, SHAPE, "b", nodes[1] = input);
  BAD(network_add, ARGUMENT, "transB", attribute.integer = 2);
  BAD_ATTRIBUTE(network_add);
  BAD_NETWORK(network_set_outputs);
  BAD(network_set_outputs, ARGUMENT, "values", value_pointer = NULL);
  BAD(network_set_outputs, ARGUMENT, "values", outputs_given = 0);
  BAD(network_set_outputs, ARGUMENT, "outputs", result = 99);
  BAD_NETWORK(network_shape);
  BAD(network_shape, ARGUMENT, "value", result = -1);
  BAD(network_shape, ARGUMENT, "value", result = 99);
  BAD(network_shape, ARGUMENT, "shape", y_shape_pointer = NULL);
  BAD(network_shape, ARGUMENT, "rank", rank_pointer = NULL);

  BAD_INPUTS(network_output_shape);
  BAD(network_output_shape, ARGUMENT, "output", index_given = 1);
  BAD(network_output_shape, ARGUMENT, "output", index_given = SIZE_MAX);
  BAD(network_output_shape, ARGUMENT, "shape", y_shape_pointer = NULL);
  BAD_INPUTS(network_output_type);
  BAD(network_output_type, ARGUMENT, "output", index_given = 1);
  BAD(network_output_type, ARGUMENT, "type", type_pointer = NULL);
  BAD_INPUTS(network_predict);
  BAD(network_predict, ARGUMENT, "outputs", outputs_pointer = NULL);
  BAD(network_predict, ARGUMENT, "outputs", outputs_given = SIZE_MAX);
  BAD(network_predict, ARGUMENT, "outputs", y->tensor.data = NULL);
  BAD(network_predict, SHAPE, "outputs", y->shape[1] = 3);
  BAD(network_predict, SHAPE, "outputs", set_rank(y, 3));
  BAD(network_predict, TYPE, "outputs", y->tensor.type = other);

  BAD_INPUTS(network_profile);
  BAD(network_profile, ARGUMENT, "count", step_count_pointer = NULL);
  BAD(network_profile, ARGUMENT, "count", step_count = 0);
  BAD(network_profile, ARGUMENT, "runs", runs = 0);
  BAD(network_profile, ARGUMENT, "runs", runs = -1);

  BAD_NETWORK(network_set_seed);
  BAD_INPUTS(network_memory);
  BAD(network_memory, ARGUMENT, "bytes", bytes_pointer = NULL);
  BAD_INPUTS(network_gradients);
  BAD_TARGET(network_gradients);
  BAD(network_gradients, ARGUMENT, "loss", network_pointer = NULL, swiftcnn_network_create(element, 0, &network_pointer));
  BAD_NETWORK(network_update);
  BAD(network_update, ARGUMENT, "optimizer", network_pointer = NULL, swiftcnn_network_create(element, 0, &network_pointer));
  BAD_NETWORK(network_set_base_rate);
  BAD(network_set_base_rate, ARGUMENT, "rate", factor = -1);
  BAD(network_set_base_rate, ARGUMENT, "rate", factor = NAN);
  BAD(network_set_base_rate, ARGUMENT, "rate", factor = INFINITY);

  BAD_NETWORK(network_use_averages);
  BAD(network_use_averages, ARGUMENT, "ema_decay", index_given = 1);

  BAD_INPUTS(network_train_step);
  BAD_TARGET(network_train_step);
  BAD(network_train_step, ARGUMENT, "loss", network_pointer = NULL, swiftcnn_network_create(element, 0, &network_pointer));
  BAD_INPUTS(network_train_epoch);
  BAD_TARGET(network_train_epoch);
  BAD(network_train_epoch, ARGUMENT, "epoch", epoch_pointer = NULL);
  BAD(network_train_epoch, ARGUMENT, "epoch", epoch.struct_size = 0);
  BAD(network_train_epoch, ARGUMENT, "batch_size", epoch.batch_size = 0);
  BAD(network_train_epoch, ARGUMENT, "batch_size", epoch.batch_size = INT64_MIN);
  BAD(network_train_epoch, ARGUMENT, "first_batch", epoch.first_batch = -1);
  BAD(network_train_epoch, ARGUMENT, "first_batch", epoch.first_batch = 2);
  BAD(network_train_epoch, ARGUMENT, "first_batch", epoch.first_batch = INT64_MAX);
  BAD_INPUTS(network_evaluate);
  BAD_TARGET(network_evaluate);
  BAD(network_evaluate, ARGUMENT, "batch_size", batch_size = 0);
  BAD(network_evaluate, ARGUMENT, "accuracy", accuracy_pointer = NULL);
  BAD_NETWORK(network_treat);
  BAD(network_treat, ARGUMENT, "parameter", index_given = 1);
  BAD(network_treat, ARGUMENT, "parameter", index_given = SIZE_MAX);
  BAD(network_treat, ARGUMENT, "treatment", factor = -1);
  BAD(network_treat, ARGUMENT, "treatment", factor = NAN);
  BAD_NETWORK(network_report);
  BAD(network_report, ARGUMENT, "metric", metric = NAN);
  BAD_NETWORK(network_rate);
  BAD(network_rate, ARGUMENT, "rate", accuracy_pointer = NULL);

  BAD_NETWORK(network_array_count);
  BAD(network_array_count, ARGUMENT, "arrays", set_kind(0));
  BAD_NETWORK(network_array);
  BAD(network_array, ARGUMENT, "arrays", set_kind(77));
  BAD(network_array, ARGUMENT, "index", index_given = 1);
  BAD(network_array, ARGUMENT, "index", index_given = SIZE_MAX);
  BAD(network_array, ARGUMENT, "name", name_pointer = NULL);
  BAD(network_array, ARGUMENT, "array", array_pointer = NULL);
  BAD_NETWORK(network_array_shape);
  BAD(network_array_shape, ARGUMENT, "arrays", kind = SWIFTCNN_OPTIMIZER_STATES);
  BAD(network_array_shape, ARGUMENT, "index", index_given = 1);
  BAD(network_array_shape, ARGUMENT, "name", name_pointer = NULL);
  BAD(network_array_shape, ARGUMENT, "shape", y_shape_pointer = NULL);
  BAD(network_array_shape, ARGUMENT, "rank", rank_pointer = NULL);
  BAD_NETWORK(network_flat_array);
  BAD(network_flat_array, ARGUMENT, "arrays", kind = SWIFTCNN_OPTIMIZER_STATES);
  BAD(network_flat_array, ARGUMENT, "arrays", kind = SWIFTCNN_TRAINING_STATES);
  BAD(network_flat_array, ARGUMENT, "array", array_pointer = NULL);
  BAD_NETWORK(network_return_arrays);
  BAD_NETWORK(network_progress);
  BAD(network_progress, ARGUMENT, "progress", progress_pointer = NULL);
  BAD_NETWORK(network_set_progress);
  BAD(network_set_progress, ARGUMENT, "progress", progress_pointer = NULL);
  BAD(network_set_progress, ARGUMENT, "progress", progress[1] = -1);
  BAD(network_set_progress, ARGUMENT, "progress", progress[2] = INT64_MAX);

  fixture = rate_fixture;
  BAD_NETWORK(network_set_optimizer);
  BAD_ATTRIBUTE(network_set_optimizer);
  BAD(network_set_optimizer, ARGUMENT, "optimizer_name", optimizer_name = NULL);
  BAD(network_set_optimizer, UNSUPPORTED, "optimizer", optimizer_name = "Nonsense");
  BAD(network_set_optimizer, ARGUMENT, "lr", attribute.number = -1);
  BAD(network_set_optimizer, ARGUMENT, "lr", attribute.number = NAN);
  fixture = delta_fixture;
  BAD_NETWORK(network_set_loss);
  BAD(network_set_loss, ARGUMENT, "loss_name", loss_name = NULL);
  BAD(network_set_loss, UNSUPPORTED, "loss", loss_name = "Nonsense");
  BAD(network_set_loss, ARGUMENT, "reduction", attribute.text = "median");
  fixture = step_fixture;
  BAD_NETWORK(network_add_schedule);
  BAD_ATTRIBUTE(network_add_schedule);
  BAD(network_add_schedule, ARGUMENT, "schedule_name", schedule_name = NULL);
  BAD(network_add_schedule, UNSUPPORTED, "schedule", schedule_name = "Nonsense");
  BAD(network_add_schedule, ARGUMENT, "total_iters", attribute.integer = 0);
  fixture = length_fixture;
  BAD_NETWORK(network_clear_augmentations);
  BAD_NETWORK(network_set_recompute);
  BAD_NETWORK(network_add_augmentation);
  BAD_ATTRIBUTE(network_add_augmentation);
  BAD(network_add_augmentation, ARGUMENT, "augmentation_name", augmentation_name = NULL);
  BAD(network_add_augmentation, UNSUPPORTED, "augmentation", augmentation_name = "Nonsense");
  BAD(network_add_augmentation, ARGUMENT, "length", attribute.integer = 0);
  BAD(network_add_augmentation, ARGUMENT, "length", attribute.integer = INT64_MAX);
  BAD(network_add_augmentation, ARGUMENT, "padding", augmentation_name = "RandomCrop", attribute.name = "padding",
      attribute.integer = -1);
  BAD(network_add_augmentation, ARGUMENT, "horizontal", augmentation_name = "RandomShift", attribute.name = "horizontal",
      attribute.integer = INT64_MIN);
  BAD(network_add_augmentation, ARGUMENT, "p", attribute.name = "p", attribute.integer = 2);
  BAD(network_add_augmentation, ARGUMENT, "mean", augmentation_name = "Normalize");
  BAD(network_add_augmentation, ARGUMENT, "alpha", augmentation_name = "MixUp", attribute.name = "alpha",
      attribute.integer = 0);
  fixture = gain_fixture;
  BAD_NETWORK(network_parameter);
  BAD_ATTRIBUTE(network_parameter);
  BAD(network_parameter, ARGUMENT, "name", text = NULL);
  BAD(network_parameter, ARGUMENT, "name", text = "w");
  BAD(network_parameter, ARGUMENT, "initializer", initializer = NULL);
  BAD(network_parameter, UNSUPPORTED, "initializer", initializer = "Nonsense");
  BAD(network_parameter, ARGUMENT, "shape", shape_pointer = NULL);
  BAD(network_parameter, SHAPE, "shape", shape[1] = -1);
  BAD(network_parameter, SHAPE, "shape", shape[0] = shape[1] = HUGE_EXTENT);
  BAD(network_parameter, ARGUMENT, "value", value_pointer = NULL);
  swiftcnn_network_free(network);
  network = NULL;
}
