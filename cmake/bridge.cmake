# The Rust half. Its C++ face (headers and glue) is generated from rust/bridge/src/lib.rs by cxx' own program, so that C++ compiles
# while Cargo works; only linking waits for the archive. scripts/bridge.py keeps archives by the sources they were built from.
set(WEIR_CXXBRIDGE_VERSION 1.0.205)
set(weir_bridge_dir "${CMAKE_BINARY_DIR}/bridge")
set(weir_bridge_archive "${weir_bridge_dir}/libbridge.a")
set(weir_bridge_source "${CMAKE_SOURCE_DIR}/rust/bridge/src/lib.rs")
set(weir_cxxbridge "${WEIR_CACHE_DIR}/cxxbridge-${WEIR_CXXBRIDGE_VERSION}/bin/cxxbridge")

set(weir_bridge_generated "${weir_bridge_dir}/include/bridge/src/lib.rs.h" "${weir_bridge_dir}/lib.rs.cc"
    "${weir_bridge_dir}/include/rust/cxx.h")
add_custom_command(OUTPUT ${weir_bridge_generated}
  COMMAND "${weir_cxxbridge}" "${weir_bridge_source}" -o "${weir_bridge_dir}/include/bridge/src/lib.rs.h"
          -o "${weir_bridge_dir}/lib.rs.cc"
  COMMAND "${weir_cxxbridge}" --header -o "${weir_bridge_dir}/include/rust/cxx.h"
  DEPENDS "${weir_bridge_source}" "${weir_cxxbridge}"
  COMMENT "Generating the bridge's headers" VERBATIM)

add_custom_target(bridge_cargo
  COMMAND python3 "${CMAKE_SOURCE_DIR}/scripts/bridge.py" --cache "${WEIR_CACHE_DIR}" --archive "${weir_bridge_archive}"
  BYPRODUCTS "${weir_bridge_archive}"
  USES_TERMINAL
  COMMENT "The Rust half")

add_library(weir_bridge INTERFACE)
target_include_directories(weir_bridge SYSTEM INTERFACE "${weir_bridge_dir}/include")
target_link_libraries(weir_bridge INTERFACE "${weir_bridge_archive}" Threads::Threads ${CMAKE_DL_LIBS} m)

# The thread sanitizer must not look at what the Rust half does, which is compiled without it: as a library of its own it can be told apart
# (tests/sanitizers/threads.txt).
if(WEIR_SANITIZE MATCHES "thread")
  set(weir_bridge_shared "${weir_bridge_dir}/libbridge.so")
  add_custom_command(OUTPUT "${weir_bridge_shared}"
    COMMAND "${CMAKE_CXX_COMPILER}" -shared -o "${weir_bridge_shared}"
            -Wl,--whole-archive "${weir_bridge_archive}" -Wl,--no-whole-archive -lpthread -ldl -lm
    DEPENDS bridge_cargo "${weir_bridge_archive}" VERBATIM)
  add_custom_target(bridge_shared DEPENDS "${weir_bridge_shared}")
  set_target_properties(weir_bridge PROPERTIES INTERFACE_LINK_LIBRARIES "${weir_bridge_shared};Threads::Threads;${CMAKE_DL_LIBS};m")
  target_link_options(weir_bridge INTERFACE -rdynamic -Wl,--wrap=_ZN5arrow23ImportRecordBatchReaderEP16ArrowArrayStream)
endif()
