# cjd_plugin_under_test(NAME SOURCES …): a plugin's sources as a static library, `NAME_under_test`, for
# unit tests that look inside. SOURCES are names in plugins/NAME.
function(cjd_plugin_under_test name)
    cmake_parse_arguments(arg "" "" "SOURCES" ${ARGN})
    set(folder ${CMAKE_SOURCE_DIR}/plugins/${name})
    string(MAKE_C_IDENTIFIER cjd_${name}_schema schema)
    list(TRANSFORM arg_SOURCES PREPEND ${folder}/)
    add_library(${name}_under_test STATIC ${arg_SOURCES})
    cjd_embed_text(${name}_under_test ${folder}/schema.json ${schema})
    target_include_directories(${name}_under_test PUBLIC ${folder})
    target_link_libraries(${name}_under_test PUBLIC cjd_sdk cjd_sdk_helpers cjd_testkit
        PkgConfig::jansson PRIVATE cjd_options)
endfunction()
