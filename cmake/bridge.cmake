# The Rust static library. Cargo decides what is stale; its target folder stays outside the checkout.
set(WEIR_CARGO_TARGET_DIR "${WEIR_CACHE_DIR}/target" CACHE PATH "Cargo's target folder")
set(weir_bridge_archive "${WEIR_CARGO_TARGET_DIR}/release/libbridge.a")
add_custom_target(bridge_cargo
  COMMAND ${CMAKE_COMMAND} -E env "CARGO_TARGET_DIR=${WEIR_CARGO_TARGET_DIR}" "WEIR_ROOMS_DIR=${CMAKE_BINARY_DIR}/rooms"
          cargo build --release --locked --quiet
  WORKING_DIRECTORY "${CMAKE_SOURCE_DIR}/rust"
  BYPRODUCTS "${weir_bridge_archive}"
  USES_TERMINAL
  COMMENT "Building rust/bridge")
add_library(weir_bridge INTERFACE)
target_include_directories(weir_bridge SYSTEM INTERFACE "${WEIR_CARGO_TARGET_DIR}/cxxbridge")
target_link_libraries(weir_bridge INTERFACE "${weir_bridge_archive}" Threads::Threads ${CMAKE_DL_LIBS} m)
add_dependencies(weir_bridge bridge_cargo)
