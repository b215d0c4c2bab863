# The folders of src/project/templates, a project each, become bytes in the program: `weir init` writes them.
set(weir_templates_dir "${CMAKE_SOURCE_DIR}/src/project/templates")
file(GLOB_RECURSE weir_template_files CONFIGURE_DEPENDS "${weir_templates_dir}/*")
set(weir_templates_generated "${CMAKE_BINARY_DIR}/templates/template_files.cc")
add_custom_command(OUTPUT "${weir_templates_generated}"
  COMMAND python3 "${CMAKE_SOURCE_DIR}/scripts/embed_templates.py" "${weir_templates_dir}" "${weir_templates_generated}"
  DEPENDS ${weir_template_files} "${CMAKE_SOURCE_DIR}/scripts/embed_templates.py"
  COMMENT "Embedding the templates of weir init" VERBATIM)
target_sources(weir_project PRIVATE "${weir_templates_generated}")
