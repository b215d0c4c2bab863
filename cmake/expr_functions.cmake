# "weir/expr.h" and "weir/expr_functions.h", which is written from the native functions' declarations. Include it after the rooms.
set(expr_include "${CMAKE_BINARY_DIR}/rooms/expr/weir")
set(expr_functions "${expr_include}/expr_functions.h" "${expr_include}/expr_function_table.h")

add_executable(generate_expr_functions src/expr/generator/main.cc)
target_link_libraries(generate_expr_functions PRIVATE weir_functions weir_warnings)
add_custom_command(
  OUTPUT ${expr_functions}
  COMMAND generate_expr_functions ${expr_functions}
  DEPENDS generate_expr_functions
  COMMENT "Builders of the native functions")
add_custom_target(expr_functions DEPENDS ${expr_functions})
add_dependencies(weir_expr expr_functions)
if(NOT EXISTS "${expr_include}/expr.h")
  file(CREATE_LINK "${CMAKE_SOURCE_DIR}/src/expr/expr.h" "${expr_include}/expr.h" SYMBOLIC)
endif()
target_compile_definitions(expr_test PRIVATE "WEIR_EXPR_FUNCTIONS_HEADER=\"${expr_include}/expr_functions.h\"")
