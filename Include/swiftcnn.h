/* swiftcnn: convolutional neural networks on the CPU. The C interface, and the source of truth for every other one.
 *
 * Conventions
 *   Status     Every function that can fail returns a swiftcnn_status and writes its results through the last pointers.
 *              On failure no output is touched and swiftcnn_last_error() says, for this thread, which argument was wrong,
 *              what was wanted and what came. No function prints, exits, or installs a signal handler.
 *   Arrays     A swiftcnn_tensor is borrowed for the call only. Elements lie in C order without gaps. Images are
 *              x[N][C][H][W]: N images, C channels, H rows, W columns. All floating-point tensors of one call have one type,
 *              SWIFTCNN_FLOAT32 or SWIFTCNN_FLOAT64, and are computed in it.
 *   Outputs    are overwritten, never added to. A NULL optional tensor is not computed. An output must not overlap an input,
 *              except that element-wise functions accept the very same array for both.
 *   Structs    begin with struct_size, so that later versions can add members. Start from the _DEFAULTS macros.
 *   Pairs      are {vertical, horizontal}; pads are {top, left, bottom, right}, as in ONNX.
 *   Threads    Any function may be called from several threads at once, and after fork(). Results have the same bits for any
 *              number of threads. Denormal numbers are flushed to zero inside a call; the caller's mode is restored.
 *   Environment  SWIFTCNN_NUM_THREADS sets the number of threads, SWIFTCNN_ISA=avx512|avx2|baseline forces an instruction set.
 */
#ifndef SWIFTCNN_H
#define SWIFTCNN_H

#include <stddef.h>
#include <stdint.h>

#define SWIFTCNN_VERSION "0.1.0"
#define SWIFTCNN_ABI_VERSION 1

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Status ---------------------------------------------------------------------------------------------------------- */

typedef enum swiftcnn_status {
  SWIFTCNN_OK = 0,
  /* The caller broke the contract. */
  SWIFTCNN_INVALID_ARGUMENT = 1, /* a null pointer, a negative or zero size, a value out of range */
  SWIFTCNN_INVALID_SHAPE = 2,    /* a rank or extent that does not fit the other arguments, or overflows */
  SWIFTCNN_INVALID_TYPE = 3,     /* an element type that this argument cannot have */
  SWIFTCNN_INVALID_MODEL = 4,    /* a file that is not a whole and valid model */
  /* We do not do that. */
  SWIFTCNN_UNSUPPORTED = 16,
  /* The environment failed. */
  SWIFTCNN_OUT_OF_MEMORY = 32,
  SWIFTCNN_ENVIRONMENT = 33, /* SWIFTCNN_ISA or SWIFTCNN_NUM_THREADS holds something unusable */
  SWIFTCNN_FILE_ERROR = 34   /* a file cannot be opened, read or written */
} swiftcnn_status;

/* The library's version, "major.minor.patch". Static storage. */
const char *swiftcnn_version(void);
/* The ABI this library was built for; compare with SWIFTCNN_ABI_VERSION. */
int32_t swiftcnn_abi_version(void);
/* What went wrong in this thread's last failed call; "" before any. Valid until this thread's next failing call. */
const char *swiftcnn_last_error(void);

/* ---- Machine --------------------------------------------------------------------------------------------------------- */

/* The instruction set in use: "avx512", "avx2" or "baseline". Static storage. */
swiftcnn_status swiftcnn_isa(const char **name);
/* The number of threads a call may use, the caller's own included. By default the processors this process may really use
 * (affinity and cgroup quota), or SWIFTCNN_NUM_THREADS. */
swiftcnn_status swiftcnn_threads(int32_t *count);
/* Sets it, 1 to 1024; 0 goes back to the default. */
swiftcnn_status swiftcnn_set_threads(int32_t count);
/* Gives scratch memory that is kept between calls back to the system. */
swiftcnn_status swiftcnn_release_memory(void);

/* ---- Arrays ---------------------------------------------------------------------------------------------------------- */

typedef enum swiftcnn_type {
  SWIFTCNN_FLOAT32 = 1,
  SWIFTCNN_FLOAT64 = 2,
  SWIFTCNN_INT32 = 3,
  SWIFTCNN_INT64 = 4,
  SWIFTCNN_UINT8 = 5,
  SWIFTCNN_INT8 = 6,
  SWIFTCNN_INT16 = 7,
  SWIFTCNN_UINT16 = 8,
  SWIFTCNN_UINT32 = 9,
  SWIFTCNN_UINT64 = 10,
  SWIFTCNN_BOOL = 11 /* bytes of 0 and 1 */
} swiftcnn_type;

typedef struct swiftcnn_tensor {
  void *data;           /* may be NULL only if an extent is 0 */
  const int64_t *shape; /* rank extents */
  int32_t rank;
  swiftcnn_type type;
} swiftcnn_tensor;

/* ---- im2col ---------------------------------------------------------------------------------------------------------- */

typedef struct swiftcnn_window {
  size_t struct_size;
  int64_t kernel[2], strides[2], pads[4], dilations[2];
} swiftcnn_window;
#define SWIFTCNN_WINDOW_DEFAULTS(height, width) {sizeof(swiftcnn_window), {height, width}, {1, 1}, {0, 0, 0, 0}, {1, 1}}

/* col[N*OH*OW][C*KH*KW] of x[N][C][H][W], zero padded. OH = (H + top + bottom - dilation*(KH-1) - 1) / stride + 1. */
swiftcnn_status swiftcnn_im2col_shape(const swiftcnn_window *window, const int64_t x_shape[4], int64_t col_shape[2]);
swiftcnn_status swiftcnn_im2col(const swiftcnn_window *window, swiftcnn_tensor x, swiftcnn_tensor col);
/* The adjoint: x[N][C][H][W] receives the sum of all elements of col that im2col would have read from there. */
swiftcnn_status swiftcnn_col2im(const swiftcnn_window *window, swiftcnn_tensor col, swiftcnn_tensor x);

/* ---- Convolution (ONNX Conv) ----------------------------------------------------------------------------------------- */

typedef struct swiftcnn_convolution {
  size_t struct_size;
  int64_t strides[2], pads[4], dilations[2], groups;
  int64_t exact; /* not 0: only algorithms whose sums are those of the definition; see docs/performance.md, "Winograd" */
} swiftcnn_convolution;
#define SWIFTCNN_CONVOLUTION_DEFAULTS {sizeof(swiftcnn_convolution), {1, 1}, {0, 0, 0, 0}, {1, 1}, 1, 0}

/* x[N][C][H][W], weight[K][C/groups][KH][KW], bias[K] (may be NULL) -> y[N][K][OH][OW]. */
swiftcnn_status swiftcnn_convolution_shape(const swiftcnn_convolution *convolution, const int64_t x_shape[4],
                                           const int64_t weight_shape[4], int64_t y_shape[4]);
swiftcnn_status swiftcnn_convolution_forward(const swiftcnn_convolution *convolution, swiftcnn_tensor x,
                                             swiftcnn_tensor weight, const swiftcnn_tensor *bias, swiftcnn_tensor y);
/* grad_x like x, grad_weight like weight, grad_bias[K]; each may be NULL. */
swiftcnn_status swiftcnn_convolution_backward(const swiftcnn_convolution *convolution, swiftcnn_tensor x,
                                              swiftcnn_tensor weight, swiftcnn_tensor grad_y,
                                              const swiftcnn_tensor *grad_x, const swiftcnn_tensor *grad_weight,
                                              const swiftcnn_tensor *grad_bias);

/* ---- Pooling (ONNX MaxPool, AveragePool) ----------------------------------------------------------------------------- */

typedef struct swiftcnn_pooling {
  size_t struct_size;
  int64_t kernel[2], strides[2], pads[4], dilations[2];
  int32_t ceil_mode;         /* not 0: a last window that starts inside the image or its leading pad counts */
  int32_t count_include_pad; /* average pooling: not 0: divide by all cells of the window that lie in the padded image */
} swiftcnn_pooling;
#define SWIFTCNN_POOLING_DEFAULTS(height, width) \
  {sizeof(swiftcnn_pooling), {height, width}, {1, 1}, {0, 0, 0, 0}, {1, 1}, 0, 0}

swiftcnn_status swiftcnn_pooling_shape(const swiftcnn_pooling *pooling, const int64_t x_shape[4], int64_t y_shape[4]);
/* y[N][C][OH][OW]; winners (int32, like y, may be NULL) is the row-major position i*KW+j of each maximum in its window, the
 * first of equals; a NaN wins. Padding never wins over a cell; a window wholly in the padding gives -infinity and -1. */
swiftcnn_status swiftcnn_max_pooling_forward(const swiftcnn_pooling *pooling, swiftcnn_tensor x, swiftcnn_tensor y,
                                             const swiftcnn_tensor *winners);
swiftcnn_status swiftcnn_max_pooling_backward(const swiftcnn_pooling *pooling, swiftcnn_tensor winners,
                                              swiftcnn_tensor grad_y, swiftcnn_tensor grad_x);
swiftcnn_status swiftcnn_average_pooling_forward(const swiftcnn_pooling *pooling, swiftcnn_tensor x, swiftcnn_tensor y);
swiftcnn_status swiftcnn_average_pooling_backward(const swiftcnn_pooling *pooling, swiftcnn_tensor grad_y,
                                                  swiftcnn_tensor grad_x);

/* ---- Affine (ONNX Gemm) ---------------------------------------------------------------------------------------------- */

/* y[N][M] = x[N][D] . weight[D][M] + bias[M] (may be NULL). */
swiftcnn_status swiftcnn_affine_forward(swiftcnn_tensor x, swiftcnn_tensor weight, const swiftcnn_tensor *bias,
                                        swiftcnn_tensor y);
swiftcnn_status swiftcnn_affine_backward(swiftcnn_tensor x, swiftcnn_tensor weight, swiftcnn_tensor grad_y,
                                         const swiftcnn_tensor *grad_x, const swiftcnn_tensor *grad_weight,
                                         const swiftcnn_tensor *grad_bias);

/* ---- Activations (ONNX Relu, Sigmoid, Tanh): any shape, the same for all tensors of a call ------------------------------ */

/* y = max(x, 0); mask (uint8, may be NULL) is 1 where x <= 0: all that backward needs. */
swiftcnn_status swiftcnn_relu_forward(swiftcnn_tensor x, swiftcnn_tensor y, const swiftcnn_tensor *mask);
/* grad_x = grad_y where mask is 0, else 0. */
swiftcnn_status swiftcnn_relu_backward(swiftcnn_tensor mask, swiftcnn_tensor grad_y, swiftcnn_tensor grad_x);
swiftcnn_status swiftcnn_sigmoid_forward(swiftcnn_tensor x, swiftcnn_tensor y);
swiftcnn_status swiftcnn_sigmoid_backward(swiftcnn_tensor y, swiftcnn_tensor grad_y, swiftcnn_tensor grad_x);
swiftcnn_status swiftcnn_tanh_forward(swiftcnn_tensor x, swiftcnn_tensor y);
swiftcnn_status swiftcnn_tanh_backward(swiftcnn_tensor y, swiftcnn_tensor grad_y, swiftcnn_tensor grad_x);

/* ---- Softmax (ONNX Softmax, SoftmaxCrossEntropyLoss) -------------------------------------------------------------------- */

/* y[N][K] = exp(x) / sum over K of exp(x). */
swiftcnn_status swiftcnn_softmax_forward(swiftcnn_tensor x, swiftcnn_tensor y);
swiftcnn_status swiftcnn_softmax_backward(swiftcnn_tensor y, swiftcnn_tensor grad_y, swiftcnn_tensor grad_x);
/* x[N][K]; target is class indices, int32 or int64 [N], or a distribution (one-hot), x's type, [N][K].
 * probabilities[N][K] = softmax(x); *loss = mean over N of -sum of target * log(probabilities). */
swiftcnn_status swiftcnn_softmax_cross_entropy_forward(swiftcnn_tensor x, swiftcnn_tensor target,
                                                       swiftcnn_tensor probabilities, double *loss);
/* grad_x[N][K], the gradient of grad_loss * loss. */
swiftcnn_status swiftcnn_softmax_cross_entropy_backward(swiftcnn_tensor probabilities, swiftcnn_tensor target,
                                                        double grad_loss, swiftcnn_tensor grad_x);

/* ---- Batch normalization (ONNX BatchNormalization): x[N][C] or x[N][C][...] -------------------------------------------- */

typedef struct swiftcnn_batch_normalization {
  size_t struct_size;
  double epsilon;  /* added to the variance */
  double momentum; /* running = running * momentum + batch * (1 - momentum) */
} swiftcnn_batch_normalization;
#define SWIFTCNN_BATCH_NORMALIZATION_DEFAULTS {sizeof(swiftcnn_batch_normalization), 1e-5, 0.9}

/* y = scale * (x - mean) / sqrt(variance + epsilon) + bias with the batch's own mean[C] and (biased) variance, which also
 * update running_mean[C] and running_variance[C] (both or neither NULL). mean and inverse_deviation (1/sqrt(variance +
 * epsilon)) are kept for backward. */
swiftcnn_status swiftcnn_batch_normalization_train(const swiftcnn_batch_normalization *normalization, swiftcnn_tensor x,
                                                   swiftcnn_tensor scale, swiftcnn_tensor bias,
                                                   const swiftcnn_tensor *running_mean,
                                                   const swiftcnn_tensor *running_variance, swiftcnn_tensor y,
                                                   swiftcnn_tensor mean, swiftcnn_tensor inverse_deviation);
swiftcnn_status swiftcnn_batch_normalization_infer(const swiftcnn_batch_normalization *normalization, swiftcnn_tensor x,
                                                   swiftcnn_tensor scale, swiftcnn_tensor bias, swiftcnn_tensor mean,
                                                   swiftcnn_tensor variance, swiftcnn_tensor y);
/* Through the batch's statistics, as train made them. Each gradient may be NULL. */
swiftcnn_status swiftcnn_batch_normalization_backward(swiftcnn_tensor x, swiftcnn_tensor scale, swiftcnn_tensor mean,
                                                      swiftcnn_tensor inverse_deviation, swiftcnn_tensor grad_y,
                                                      const swiftcnn_tensor *grad_x, const swiftcnn_tensor *grad_scale,
                                                      const swiftcnn_tensor *grad_bias);

/* ---- Dropout (ONNX Dropout, inverted) ----------------------------------------------------------------------------------- */

/* mask (uint8, like x) is 1 with probability 1 - ratio, by Philox 4x32-10 from seed: the same for every machine and any
 * number of threads. y = x * mask / (1 - ratio). 0 <= ratio < 1. */
swiftcnn_status swiftcnn_dropout_forward(double ratio, uint64_t seed, swiftcnn_tensor x, swiftcnn_tensor y,
                                         swiftcnn_tensor mask);
swiftcnn_status swiftcnn_dropout_backward(double ratio, swiftcnn_tensor mask, swiftcnn_tensor grad_y,
                                          swiftcnn_tensor grad_x);

/* ---- Networks: a graph of ONNX operators, trained and run natively ---------------------------------------------------------
 *
 * Built value by value: inputs, parameters and constants, then nodes, in an order in which they can run; then the outputs. Operators,
 * losses, optimizers, schedules and initializers go by name and attributes: docs/networks.md lists them, with their defaults.
 * A network is built and trained by one thread at a time; any number may predict at once, but not while it is trained. */
typedef struct swiftcnn_network swiftcnn_network;

/* A value of a network: an input, a parameter, a constant, or what a node gives. */
typedef int32_t swiftcnn_value;
#define SWIFTCNN_ABSENT (-1) /* an optional input of a node that is not given */

typedef enum swiftcnn_attribute_type {
  SWIFTCNN_ATTRIBUTE_INT = 1,
  SWIFTCNN_ATTRIBUTE_FLOAT = 2,
  SWIFTCNN_ATTRIBUTE_STRING = 3,
  SWIFTCNN_ATTRIBUTE_INTS = 4,
  SWIFTCNN_ATTRIBUTE_FLOATS = 5
} swiftcnn_attribute_type;

/* The member that the type says holds the value. Make them with the macros below. */
typedef struct swiftcnn_attribute {
  const char *name;
  swiftcnn_attribute_type type;
  int64_t integer;
  double number;
  const char *text;
  const int64_t *integers; /* count of them, as of numbers */
  const double *numbers;
  size_t count;
} swiftcnn_attribute;
#define SWIFTCNN_INT(name, value) {name, SWIFTCNN_ATTRIBUTE_INT, value, 0, NULL, NULL, NULL, 0}
#define SWIFTCNN_FLOAT(name, value) {name, SWIFTCNN_ATTRIBUTE_FLOAT, 0, value, NULL, NULL, NULL, 0}
#define SWIFTCNN_STRING(name, value) {name, SWIFTCNN_ATTRIBUTE_STRING, 0, 0, value, NULL, NULL, 0}
#define SWIFTCNN_INTS(name, count, values) {name, SWIFTCNN_ATTRIBUTE_INTS, 0, 0, NULL, values, NULL, count}
#define SWIFTCNN_FLOATS(name, count, values) {name, SWIFTCNN_ATTRIBUTE_FLOATS, 0, 0, NULL, NULL, values, count}

/* A network of SWIFTCNN_FLOAT32 or SWIFTCNN_FLOAT64. The seed decides all that is random: initial parameters, the order of images,
 * augmentations, dropout; the same seed gives the same bits in every language and for any number of threads. */
swiftcnn_status swiftcnn_network_create(swiftcnn_type type, uint64_t seed, swiftcnn_network **network);
void swiftcnn_network_free(swiftcnn_network *network); /* NULL is allowed */
/* Another seed from here on; arrays stay as they are. */
swiftcnn_status swiftcnn_network_set_seed(swiftcnn_network *network, uint64_t seed);

/* -- Building -- */

/* An array that is handed in, of the network's type, of integers or bools. The shape, an example with which nodes are checked as they
 * are added, may be NULL; any shape that fits the nodes may be handed in. */
swiftcnn_status swiftcnn_network_input(swiftcnn_network *network, const char *name, swiftcnn_type type, const int64_t *shape,
                                       int32_t rank, swiftcnn_value *value);
/* An array that is trained. The initializer is Constant, Uniform, Normal, HeNormal, HeUniform, XavierNormal, XavierUniform,
 * LeCunNormal, LeCunUniform or Orthogonal. Names of parameters are unique. */
swiftcnn_status swiftcnn_network_parameter(swiftcnn_network *network, const char *name, const int64_t *shape, int32_t rank,
                                           const char *initializer, const swiftcnn_attribute *attributes,
                                           size_t attribute_count, swiftcnn_value *value);
/* An array that is not trained, of the network's type (a running mean, say: nodes may change it in training), of integers (such as
 * the shape that Reshape takes) or bools. A copy is kept. */
swiftcnn_status swiftcnn_network_constant(swiftcnn_network *network, const char *name, swiftcnn_tensor data,
                                          swiftcnn_value *value);
/* A node. The name, for messages, may be NULL. */
swiftcnn_status swiftcnn_network_add(swiftcnn_network *network, const char *operator_name, const char *name,
                                     const swiftcnn_attribute *attributes, size_t attribute_count,
                                     const swiftcnn_value *inputs, size_t input_count, swiftcnn_value *outputs,
                                     size_t output_count);
/* What the network gives. Losses are of the first. */
swiftcnn_status swiftcnn_network_set_outputs(swiftcnn_network *network, const swiftcnn_value *values, size_t count);
/* The shape of a value, as it follows from the examples. */
swiftcnn_status swiftcnn_network_shape(const swiftcnn_network *network, swiftcnn_value value, int64_t shape[8], int32_t *rank);

/* -- Model files: ONNX, docs/onnx.md -- */

/* The network of an ONNX file, of SWIFTCNN_FLOAT32 or SWIFTCNN_FLOAT64; type 0 is that of its first floating-point input. Float weights are its parameters, and can be
 * trained; running statistics and other numbers its constants. An operator that this version does not have is
 * SWIFTCNN_UNSUPPORTED, and the message names all of them. Arrays in other files are looked for in the model's folder alone. Large
 * weights are read when they are needed first: until then the file stays open, and may be replaced or removed, but not written over, which
 * is SWIFTCNN_FILE_ERROR where it is noticed. The bytes of a file, below, are read at once. */
swiftcnn_status swiftcnn_network_load(const char *path, int32_t type, swiftcnn_network **network);
/* The same of the bytes of a file, which are needed during the call alone. */
swiftcnn_status swiftcnn_network_load_bytes(const void *bytes, size_t count, int32_t type, swiftcnn_network **network);
/* Writes a network as an ONNX file: a failure leaves the file that was there before, or none. */
swiftcnn_status swiftcnn_network_save(swiftcnn_network *network, const char *path);
/* The same in memory. *count is the room at `bytes`, and then the bytes of the model; with bytes NULL nothing else is written. */
swiftcnn_status swiftcnn_network_save_bytes(swiftcnn_network *network, void *bytes, size_t *count);
/* What it computes in: SWIFTCNN_FLOAT32 or SWIFTCNN_FLOAT64. */
swiftcnn_status swiftcnn_network_type(const swiftcnn_network *network, swiftcnn_type *type);
/* How many inputs and outputs a network has. */
swiftcnn_status swiftcnn_network_port_counts(const swiftcnn_network *network, size_t *inputs, size_t *outputs);
/* Of an input, or with output not 0 of an output: its name, valid until the network is freed; its element type by ONNX's number
 * (TensorProto.DataType), 0 if that is not known; its extents, -1 where any will do; and its rank, -1 if that is not known. */
swiftcnn_status swiftcnn_network_port(const swiftcnn_network *network, int32_t output, size_t index, const char **name,
                                      int32_t *onnx_type, int64_t shape[8], int32_t *rank);

/* -- Running -- */

/* The shape of an output for these inputs. Their elements are looked at only where they decide shapes: where a shape that Reshape takes
 * is handed in, say. */
swiftcnn_status swiftcnn_network_output_shape(swiftcnn_network *network, const swiftcnn_tensor *inputs, size_t input_count,
                                              size_t output, int64_t shape[8], int32_t *rank);
/* And its type. */
swiftcnn_status swiftcnn_network_output_type(swiftcnn_network *network, const swiftcnn_tensor *inputs, size_t input_count,
                                             size_t output, swiftcnn_type *type);
/* The bytes that a run on inputs of these shapes needs for what nodes give and leave for each other; train not 0: for a training
 * step. Inputs, parameters and their gradients, and scratch memory within an operator, come on top. */
swiftcnn_status swiftcnn_network_memory(swiftcnn_network *network, const swiftcnn_tensor *inputs, size_t input_count,
                                        int32_t train, int64_t *bytes);
/* Inference: all inputs, and the first outputs. */
swiftcnn_status swiftcnn_network_predict(swiftcnn_network *network, const swiftcnn_tensor *inputs, size_t input_count,
                                         const swiftcnn_tensor *outputs, size_t output_count);

/* What a step of inference takes: a node's, or that of several which one step does together. */
typedef struct swiftcnn_step {
  char name[64];         /* of the first node; ends with a zero byte, cut where it is longer */
  char operators[64];    /* all that are in it, in their order: "Conv+BatchNormalization+Relu" */
  double seconds;        /* the median of all runs */
  int64_t multiply_adds; /* of its products, as plain sums */
  int64_t bytes;         /* of the arrays that it reads and writes */
} swiftcnn_step;
/* Runs inference `runs` times, one at least, on inputs whose results are not kept. *count is the room at `steps`, and then how many
 * there are; with steps NULL nothing is run and no more is written. *peak, where peak is not NULL: the multiply-adds a second that as
 * many cores as there are threads can do at most. */
swiftcnn_status swiftcnn_network_profile(swiftcnn_network *network, const swiftcnn_tensor *inputs, size_t input_count, int32_t runs,
                                         swiftcnn_step *steps, size_t *count, double *peak);

/* -- Training -- */

/* SoftmaxCrossEntropyLoss, BCEWithLogitsLoss, MSELoss, L1Loss or HuberLoss. */
swiftcnn_status swiftcnn_network_set_loss(swiftcnn_network *network, const char *loss_name,
                                          const swiftcnn_attribute *attributes, size_t attribute_count);
/* SGD, Adagrad, RMSprop, Adam, AdamW or BookAdam. Each also takes clip_norm, clip_value, accumulate and ema_decay. A new one begins
 * anew, without states, updates or schedules. */
swiftcnn_status swiftcnn_network_set_optimizer(swiftcnn_network *network, const char *optimizer_name,
                                               const swiftcnn_attribute *attributes, size_t attribute_count);
/* StepLR, ExponentialLR, CosineAnnealingLR, LinearLR (warm-up), OneCycleLR or ReduceLROnPlateau, counted by unit: "epoch" or
 * "step". The factors of several are multiplied. */
swiftcnn_status swiftcnn_network_add_schedule(swiftcnn_network *network, const char *schedule_name,
                                              const swiftcnn_attribute *attributes, size_t attribute_count);
/* Whether training computes activations again rather than keep them all (0 at first): the same bits from less memory, in about a third
 * more time. */
swiftcnn_status swiftcnn_network_set_recompute(swiftcnn_network *network, int32_t recompute);
/* RandomCrop, RandomShift, RandomHorizontalFlip, Normalize, Cutout or MixUp: done to the images x[N][C][H][W] of the first input, one
 * after the other, in training epochs alone. Each is drawn from the seed, the epoch and the number of the image. */
swiftcnn_status swiftcnn_network_add_augmentation(swiftcnn_network *network, const char *augmentation_name,
                                                  const swiftcnn_attribute *attributes, size_t attribute_count);
swiftcnn_status swiftcnn_network_clear_augmentations(swiftcnn_network *network);
/* Whether a parameter is frozen, and by what the learning rate and weight decay are multiplied for it. */
swiftcnn_status swiftcnn_network_treat(swiftcnn_network *network, size_t parameter, int32_t frozen, double rate,
                                       double weight_decay);
/* Forward, loss, backward, clip, update, on a batch. *loss is that before the update. The target is as in
 * swiftcnn_softmax_cross_entropy_forward, or for the other losses like the output. */
swiftcnn_status swiftcnn_network_train_step(swiftcnn_network *network, const swiftcnn_tensor *inputs, size_t input_count,
                                            swiftcnn_tensor target, double *loss);
/* The two halves of a training step, for what comes between: a sum of gradients over machines (swiftcnn_network_flat_array), say.
 * Gradients: forward, loss, backward. It changes no parameter and counts no step, so that it gives the same again; running
 * statistics follow the batch as ever. */
swiftcnn_status swiftcnn_network_gradients(swiftcnn_network *network, const swiftcnn_tensor *inputs, size_t input_count,
                                           swiftcnn_tensor target, double *loss);
/* Clip and update, with the gradients that are there. */
swiftcnn_status swiftcnn_network_update(swiftcnn_network *network);

/* Called after each batch; not 0 stops the epoch. */
typedef int32_t (*swiftcnn_progress)(void *context, int64_t batches_done, int64_t batches, double mean_loss);
typedef struct swiftcnn_epoch {
  size_t struct_size;
  int64_t batch_size;
  int32_t shuffle;   /* not 0: in an order drawn from the seed and the number of the epoch */
  int32_t drop_last; /* not 0: a last batch that is smaller is left out */
  swiftcnn_progress progress; /* may be NULL */
  void *context;
  double *accuracy;    /* may be NULL; the share of images that was right in its step, before the update; NaN as in evaluate */
  int64_t first_batch; /* goes on with an epoch that was stopped after so many batches */
} swiftcnn_epoch;
#define SWIFTCNN_EPOCH_DEFAULTS(batch_size) {sizeof(swiftcnn_epoch), batch_size, 1, 0, NULL, NULL, NULL, 0}

/* Steps over all images; *loss is their mean, and like *accuracy of this call's batches alone. An epoch that was stopped does not
 * count as one. */
swiftcnn_status swiftcnn_network_train_epoch(swiftcnn_network *network, const swiftcnn_tensor *inputs, size_t input_count,
                                             swiftcnn_tensor target, const swiftcnn_epoch *epoch, double *loss);
/* The mean loss in inference, and the share of images whose largest score is the target's (NaN but for SoftmaxCrossEntropyLoss). */
swiftcnn_status swiftcnn_network_evaluate(swiftcnn_network *network, const swiftcnn_tensor *inputs, size_t input_count,
                                          swiftcnn_tensor target, int64_t batch_size, double *loss, double *accuracy);
/* What ReduceLROnPlateau looks at, once an epoch. */
swiftcnn_status swiftcnn_network_report(swiftcnn_network *network, double metric);
/* The learning rate of the next update, as schedules have it. */
swiftcnn_status swiftcnn_network_rate(const swiftcnn_network *network, double *rate);
/* The one that schedules begin with: the optimizer's attribute lr. */
swiftcnn_status swiftcnn_network_set_base_rate(swiftcnn_network *network, double rate);
/* Not 0: puts the averages that the attribute ema_decay keeps in the parameters' place, for all that reads parameters; 0: puts these
 * back, before the network is trained on. */
swiftcnn_status swiftcnn_network_use_averages(swiftcnn_network *network, int32_t use);

/* -- State: with it, training goes on as if it had never stopped -- */

typedef enum swiftcnn_arrays {
  SWIFTCNN_PARAMETERS = 1,
  SWIFTCNN_GRADIENTS = 2,        /* of the last step, like the parameters */
  SWIFTCNN_CONSTANTS = 3,        /* of the network's type, running statistics among them */
  SWIFTCNN_OPTIMIZER_STATES = 4, /* flat: each as all parameters */
  SWIFTCNN_TRAINING_STATES = 5   /* what else is remembered between steps: sums of gradients, averages of parameters, what
                                    ReduceLROnPlateau has seen. Each has a type of its own; which there are follows from the optimizer and the schedules */
} swiftcnn_arrays;
swiftcnn_status swiftcnn_network_array_count(swiftcnn_network *network, swiftcnn_arrays arrays, size_t *count);
/* The name and the shape of an array of parameters, gradients or constants. Large weights of a network that was loaded from a file stay
 * there until somebody asks for them; this does not. */
swiftcnn_status swiftcnn_network_array_shape(swiftcnn_network *network, swiftcnn_arrays arrays, size_t index, const char **name,
                                             int64_t shape[8], int32_t *rank);
/* An array and its name, in the network's own memory: valid until an array is added or the network is freed; to be read, and
 * written between calls. Names of gradients are those of parameters. */
swiftcnn_status swiftcnn_network_array(swiftcnn_network *network, swiftcnn_arrays arrays, size_t index, const char **name,
                                       swiftcnn_tensor *array);
/* All of them as one array of one axis: what an all-reduce takes. Not for states, each of which is one. */
swiftcnn_status swiftcnn_network_flat_array(swiftcnn_network *network, swiftcnn_arrays arrays, swiftcnn_tensor *array);
/* Promises that the parameters and constants handed out so far are not written any more, until they are asked for again. Else they
 * may be at any moment, and what a network computes from them for later runs, such as packed filters, is computed in each run. */
swiftcnn_status swiftcnn_network_return_arrays(swiftcnn_network *network);
/* {steps, updates by the optimizer, epochs} so far. */
swiftcnn_status swiftcnn_network_progress(const swiftcnn_network *network, int64_t progress[3]);
swiftcnn_status swiftcnn_network_set_progress(swiftcnn_network *network, const int64_t progress[3]);

#ifdef __cplusplus
}
#endif
#endif /* SWIFTCNN_H */
