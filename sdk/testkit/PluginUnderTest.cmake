# cjd_plugin_under_test(NAME SOURCES …): a plugin's sources as a static library, `NAME_under_test`, for
# unit tests that look inside. SOURCES are names in plugins/NAME.
function(cjd_plugin_under_test name)
    cmake_parse_arguments(arg "" "" "SOURCES" ${ARGN})
    set(folder ${CMAKE_SOURCE_DIR}/plugins/${name})
    set(schema_c ${CMAKE_CURRENT_BINARY_DIR}/${name}_schema.c)
    add_custom_command(OUTPUT ${schema_c}
        COMMAND ${CMAKE_COMMAND} -DIN=${folder}/schema.json -DOUT=${schema_c}
                -DNAME=cjd_${name}_schema -P ${CMAKE_SOURCE_DIR}/cmake/EmbedText.cmake
        DEPENDS ${folder}/schema.json ${CMAKE_SOURCE_DIR}/cmake/EmbedText.cmake)
    list(TRANSFORM arg_SOURCES PREPEND ${folder}/)
    add_library(${name}_under_test STATIC ${arg_SOURCES} ${schema_c})
    target_include_directories(${name}_under_test PUBLIC ${folder})
    target_link_libraries(${name}_under_test PUBLIC cjd_sdk cjd_sdk_helpers cjd_testkit
        PkgConfig::jansson PRIVATE cjd_options)
endfunction()
