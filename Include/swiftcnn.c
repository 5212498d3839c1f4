/* Compiles the header as C, and makes the package manager rebuild when the header changes. */
#include "swiftcnn.h"
