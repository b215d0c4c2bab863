# C++ classes generated from the .proto files that the crates datafusion-proto-models and -common ship.
add_library(weir_plan_proto INTERFACE)
