# package/weir and package/libstdc++.so.6, which run on any Linux with glibc WEIR_PACKAGE_GLIBC or later: the objects of `weir` linked once
# more, with Debian's libraries inside, against stand-ins for that older glibc. `ninja package_program`; scripts/package.py makes archives of it.
# x86-64 only so far; the archives and libstdc++_pic.a come from Debian packages that scripts/package.py names.
if(Arrow_FOUND)
  return()  # an installed Arrow C++ asks for the glibc of its machine; packages take the one of the pyarrow wheel
endif()
set(WEIR_PACKAGE_GLIBC 2.28 CACHE STRING "The oldest glibc that packages run on; libarrow.so wants 2.28")

set(package_dir "${CMAKE_BINARY_DIR}/package")
set(stubs "${package_dir}/glibc-${WEIR_PACKAGE_GLIBC}")
set(packaging "${CMAKE_SOURCE_DIR}/packaging")

# An archive or object that the compiler knows the place of; the name alone where there is none.
function(weir_compiler_file name out)
  execute_process(COMMAND "${CMAKE_CXX_COMPILER}" -print-file-name=${name} OUTPUT_VARIABLE file OUTPUT_STRIP_TRAILING_WHITESPACE)
  set(${out} "${file}" PARENT_SCOPE)
endfunction()
set(package_archives)
foreach(name protobuf icuuc sodium edit tinfo bsd md z)
  weir_compiler_file(lib${name}.a file)
  list(APPEND package_archives "${file}")
endforeach()
foreach(name libicudata.a libstdc++.a libgcc.a libgcc_s.so.1 crtbeginS.o crtendS.o)
  weir_compiler_file(${name} package_${name})
endforeach()
# A package of its own, which `make package` installs: it may come after this.
get_filename_component(compiler_dir "${package_libgcc.a}" DIRECTORY)
set(package_libstdc++_pic.a "${compiler_dir}/libstdc++_pic.a")
set(package_libstdc++_pic.map "${compiler_dir}/libstdc++_pic.map")
# What is inside, for the licences: packaging/licenses.py asks dpkg for the packages.
weir_compiler_file(libc_nonshared.a package_libc_nonshared.a)
list(JOIN package_archives "\n" package_files)
file(WRITE "${package_dir}/debian_files.txt" "${package_files}\n${package_libicudata.a}\n${package_libstdc++.a}\n${package_libgcc.a}\n"
     "${package_libc_nonshared.a}\n/usr/include/fmt/format-inl.h\n/usr/include/toml++/toml.h\n/usr/include/CLI/CLI.hpp\n"
     "/usr/include/nlohmann/json.hpp\n/usr/include/spdlog/spdlog.h\n")

add_library(package_parts OBJECT EXCLUDE_FROM_ALL "${packaging}/fmt.cc" "${packaging}/tomlplusplus.cc" "${packaging}/old_glibc.c"
            "${packaging}/old_glibc_start.c")
target_include_directories(package_parts PRIVATE $<TARGET_PROPERTY:fmt::fmt,INTERFACE_INCLUDE_DIRECTORIES>)
target_compile_definitions(package_parts PRIVATE $<TARGET_PROPERTY:tomlplusplus::tomlplusplus,INTERFACE_COMPILE_DEFINITIONS>)
target_compile_options(package_parts PRIVATE $<TARGET_PROPERTY:tomlplusplus::tomlplusplus,INTERFACE_COMPILE_OPTIONS> -g0)
add_library(package_libstdcxx_parts OBJECT EXCLUDE_FROM_ALL "${packaging}/old_glibc.c" "${packaging}/libstdcxx_compat.cc")
target_compile_options(package_libstdcxx_parts PRIVATE -fPIC -g0)

add_custom_command(OUTPUT "${stubs}/libc.so"
  COMMAND python3 "${packaging}/glibc_stubs.py" --glibc ${WEIR_PACKAGE_GLIBC} --out "${stubs}"
  DEPENDS "${packaging}/glibc_stubs.py"
  COMMENT "Stand-ins for glibc ${WEIR_PACKAGE_GLIBC}" VERBATIM)
# What stood in libpthread, libdl and librt before 2.34 is looked up in all that is loaded.
set(old_glibc -L${stubs} -Wl,--push-state,--no-as-needed -lpthread -ldl -lrt -lm -lc -Wl,--pop-state)

add_custom_command(OUTPUT "${package_dir}/icu_data.o"
  COMMAND "${packaging}/icu_data.sh" "${package_libicudata.a}" "${package_dir}/icu_data.o"
  DEPENDS "${packaging}/icu_data.sh" "${package_libicudata.a}"
  COMMENT "What Weir uses of ICU's data" VERBATIM)

# The compiler's C++ library, linked as GCC does it, but for the older glibc. compatibility.o has istream::ignore.
set(libstdcxx "${package_dir}/libstdc++.so.6")
add_custom_command(OUTPUT "${libstdcxx}"
  COMMAND "${CMAKE_AR}" x "${package_libstdc++.a}" compatibility.o
  COMMAND "${CMAKE_CXX_COMPILER}" -shared -nostdlib -fuse-ld=bfd -Wl,-soname,libstdc++.so.6 -Wl,-z,relro -Wl,-O1 -Wl,--gc-sections
          "-Wl,--version-script=${package_libstdc++_pic.map}" -o "${libstdcxx}" "${package_crtbeginS.o}"
          -Wl,--whole-archive "${package_libstdc++_pic.a}" -Wl,--no-whole-archive compatibility.o
          "$<TARGET_OBJECTS:package_libstdcxx_parts>" "${package_libgcc_s.so.1}" "${package_libgcc.a}" ${old_glibc} "${package_crtendS.o}"
  COMMAND "${CMAKE_STRIP}" "${libstdcxx}"
  DEPENDS "${stubs}/libc.so" "$<TARGET_OBJECTS:package_libstdcxx_parts>" "${package_libstdc++_pic.a}"
  WORKING_DIRECTORY "${package_dir}"
  COMMENT "The C++ library for glibc ${WEIR_PACKAGE_GLIBC}" COMMAND_EXPAND_LISTS VERBATIM)

get_property(rooms GLOBAL PROPERTY WEIR_ROOMS)
set(room_archives "$<TARGET_FILE:weir_plan_proto>")
foreach(room ${rooms})
  get_target_property(type weir_${room} TYPE)
  if(type STREQUAL STATIC_LIBRARY)
    list(APPEND room_archives "$<TARGET_FILE:weir_${room}>")
  endif()
endforeach()
# libgcc stands before libgcc_s, which in old systems lacks arithmetic of half floats. RPATH, since LD_LIBRARY_PATH must not put another
# C++ library in the place of the one inside.
add_custom_command(OUTPUT "${package_dir}/weir"
  COMMAND "${CMAKE_CXX_COMPILER}" -fuse-ld=mold -no-pie -nodefaultlibs -Wl,--gc-sections -Wl,-s -Wl,--wrap=__libc_start_main
          "-Wl,-rpath,$ORIGIN/../lib" -Wl,--disable-new-dtags -o "${package_dir}/weir"
          "$<TARGET_OBJECTS:weir>" "$<TARGET_OBJECTS:package_parts>" "${package_dir}/icu_data.o"
          -Wl,--start-group ${room_archives} "${weir_bridge_archive}" ${package_archives} -Wl,--end-group
          ${weir_arrow_so} "${libstdcxx}" "${package_libgcc.a}" "${package_libgcc_s.so.1}" ${old_glibc}
  DEPENDS weir "$<TARGET_OBJECTS:weir>" "$<TARGET_OBJECTS:package_parts>" ${room_archives} "${package_dir}/icu_data.o" "${libstdcxx}"
          "${stubs}/libc.so" "${weir_bridge_archive}"
  COMMENT "Linking package/weir for glibc ${WEIR_PACKAGE_GLIBC}" COMMAND_EXPAND_LISTS VERBATIM)
add_custom_target(package_program DEPENDS "${package_dir}/weir" "${libstdcxx}")
