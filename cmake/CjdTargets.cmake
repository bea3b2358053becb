# Targets of this project: modules of the core, plugins, tests.
#
# A forbidden include must not compile. Each module therefore has an include folder of its own in
# the build tree that holds one link, named like the module, to its sources: `#include <switch/label.h>`
# works only for targets that link `cjd_switch`.

add_library(cjd_options INTERFACE)
target_compile_options(cjd_options INTERFACE
    -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wvla -Wmissing-prototypes
    -Wwrite-strings -Wundef -fno-common -fstack-protector-strong
    $<$<BOOL:${CJD_WERROR}>:-Werror>
    $<$<NOT:$<CONFIG:Debug>>:-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2>)
# A small router has little flash: what is not used is left out, unwind tables live in the debug
# information only.
target_compile_options(cjd_options INTERFACE $<$<CONFIG:Release>:-ffunction-sections
    -fdata-sections -fno-asynchronous-unwind-tables>)
target_link_options(cjd_options INTERFACE $<$<CONFIG:Release>:-Wl,--gc-sections>)
target_compile_definitions(cjd_options INTERFACE _GNU_SOURCE $<$<CONFIG:Debug>:CJD_DEBUG=1>)
target_link_options(cjd_options INTERFACE -Wl,-z,relro,-z,now,-z,noexecstack)
if(CJD_SANITIZE)
    # _FORTIFY_SOURCE hides accesses from the sanitizers.
    target_compile_options(cjd_options INTERFACE -fsanitize=${CJD_SANITIZE}
        -fno-sanitize-recover=all -fno-omit-frame-pointer -U_FORTIFY_SOURCE)
    target_compile_definitions(cjd_options INTERFACE CJD_SANITIZED=1)
    target_link_options(cjd_options INTERFACE -fsanitize=${CJD_SANITIZE})
endif()
if(CJD_FUZZ)
    target_compile_options(cjd_options INTERFACE -fsanitize=fuzzer-no-link,address,undefined
        -fno-sanitize-recover=all -U_FORTIFY_SOURCE)
    target_link_options(cjd_options INTERFACE -fsanitize=address,undefined)
endif()
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

# cjd_add_module(NAME SOURCES … [DEPENDS modules …] [LIBS imported targets …])
# DEPENDS are the modules whose headers this one may include; LIBS stay private to it.
function(cjd_add_module name)
    cmake_parse_arguments(arg "" "" "SOURCES;DEPENDS;LIBS" ${ARGN})
    set(room ${CMAKE_BINARY_DIR}/include/${name})
    file(MAKE_DIRECTORY ${room})
    file(CREATE_LINK ${CMAKE_CURRENT_SOURCE_DIR} ${room}/${name} SYMBOLIC)
    add_library(cjd_${name} STATIC ${arg_SOURCES})
    target_include_directories(cjd_${name} PUBLIC ${room})
    target_link_libraries(cjd_${name} PRIVATE cjd_options)
    foreach(dep IN LISTS arg_DEPENDS)
        target_link_libraries(cjd_${name} PUBLIC cjd_${dep})
    endforeach()
    foreach(lib IN LISTS arg_LIBS)
        target_link_libraries(cjd_${name} PRIVATE ${lib})
    endforeach()
endfunction()

# cjd_embed_text(TARGET FILE SYMBOL): the text of a file as the string constant SYMBOL of a target.
function(cjd_embed_text target file symbol)
    get_filename_component(in ${file} ABSOLUTE)
    set(out ${CMAKE_CURRENT_BINARY_DIR}/${symbol}.c)
    add_custom_command(OUTPUT ${out}
        COMMAND ${CMAKE_COMMAND} -DIN=${in} -DOUT=${out} -DNAME=${symbol}
                -P ${CMAKE_SOURCE_DIR}/cmake/EmbedText.cmake
        DEPENDS ${in} ${CMAKE_SOURCE_DIR}/cmake/EmbedText.cmake)
    target_sources(${target} PRIVATE ${out})
endfunction()

# cjd_add_plugin(NAME SOURCES … [LIBS …]): a loadable plugin that sees only sdk/include.
# schema.json beside it becomes the string constant `cjd_<name>_schema`, with '_' for '-'.
function(cjd_add_plugin name)
    cmake_parse_arguments(arg "" "" "SOURCES;LIBS" ${ARGN})
    string(MAKE_C_IDENTIFIER cjd_${name}_schema schema)
    add_library(plugin_${name} MODULE ${arg_SOURCES})
    cjd_embed_text(plugin_${name} schema.json ${schema})
    target_link_libraries(plugin_${name} PRIVATE cjd_options cjd_sdk cjd_sdk_helpers ${arg_LIBS})
    if(NOT CJD_SANITIZE AND NOT CJD_FUZZ)
        # What is missing shall be missed here, not when it is loaded.
        target_link_options(plugin_${name} PRIVATE -Wl,-z,defs)
    endif()
    set_target_properties(plugin_${name} PROPERTIES PREFIX "" OUTPUT_NAME ${name}
        C_VISIBILITY_PRESET hidden LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/plugins)
    install(TARGETS plugin_${name} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/cjdroute/plugins)
endfunction()

# cjd_add_test(NAME SOURCES … [LIBS …] [TIMEOUT s]): a cmocka program and its ctest entry.
function(cjd_add_test name)
    cmake_parse_arguments(arg "" "TIMEOUT" "SOURCES;LIBS" ${ARGN})
    add_executable(test_${name} ${arg_SOURCES})
    target_link_libraries(test_${name} PRIVATE cjd_options cjd_testlib ${arg_LIBS} PkgConfig::cmocka)
    set_target_properties(test_${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
    add_test(NAME ${name} COMMAND test_${name})
    if(NOT arg_TIMEOUT)
        set(arg_TIMEOUT 120)
    endif()
    set_tests_properties(${name} PROPERTIES TIMEOUT ${arg_TIMEOUT}
        ENVIRONMENT "CMOCKA_MESSAGE_OUTPUT=STDOUT")
endfunction()
