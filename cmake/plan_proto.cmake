# C++ classes generated from the .proto files that the crates datafusion-proto-models and -common ship: 3.5 MB of header that only
# src/plan/plan_decoder.cc may include. The files come from Cargo's registry, at the versions that rust/Cargo.lock pins.
find_package(Protobuf REQUIRED)
find_program(CARGO cargo REQUIRED)
execute_process(COMMAND ${CARGO} metadata --format-version 1 --locked --manifest-path "${CMAKE_SOURCE_DIR}/rust/Cargo.toml"
                OUTPUT_VARIABLE weir_cargo_metadata RESULT_VARIABLE weir_cargo_failed ERROR_VARIABLE weir_cargo_error)
if(weir_cargo_failed)
  message(FATAL_ERROR "cargo metadata failed: ${weir_cargo_error}")
endif()

function(weir_crate_dir name out)
  string(REGEX MATCH "\"manifest_path\":\"([^\"]*/${name}-[0-9][^\"/]*)/Cargo.toml\"" _ "${weir_cargo_metadata}")
  if(NOT CMAKE_MATCH_1)
    message(FATAL_ERROR "crate ${name} is not in rust/Cargo.lock")
  endif()
  set(${out} "${CMAKE_MATCH_1}" PARENT_SCOPE)
endfunction()
weir_crate_dir(datafusion-proto-models weir_models_dir)
weir_crate_dir(datafusion-proto-common weir_common_dir)

# The import path inside the files is that of DataFusion's own repository.
set(proto_dir "${CMAKE_BINARY_DIR}/plan_proto")
set(common_proto datafusion/proto-common/proto/datafusion_common.proto)
configure_file("${weir_models_dir}/proto/datafusion.proto" "${proto_dir}/datafusion.proto" COPYONLY)
configure_file("${weir_common_dir}/proto/datafusion_common.proto" "${proto_dir}/${common_proto}" COPYONLY)
set(generated "${proto_dir}/datafusion.pb.cc" "${proto_dir}/datafusion/proto-common/proto/datafusion_common.pb.cc")
add_custom_command(
  OUTPUT ${generated}
  COMMAND protobuf::protoc --proto_path=${proto_dir} --cpp_out=${proto_dir} datafusion.proto ${common_proto}
  DEPENDS "${proto_dir}/datafusion.proto" "${proto_dir}/${common_proto}"
  WORKING_DIRECTORY "${proto_dir}")
add_library(weir_plan_proto STATIC ${generated})
target_include_directories(weir_plan_proto SYSTEM PUBLIC "${proto_dir}")
target_link_libraries(weir_plan_proto PUBLIC protobuf::libprotobuf)
target_compile_options(weir_plan_proto PRIVATE -g0 -w)
