# Runs a scenario twice, smaller and shorter than it is, and compares all that is written.
foreach(time one two)
    # The environment's size moves the stack.
    set(ENV{CJDSIM_TEST_PADDING} "${time}${time}${time}")
    execute_process(COMMAND ${PROGRAM} ${SCENARIO} --repeatable --quiet --nodes 40 --duration 80
        --set churn.from_s=20 --set "partitions=[{\"at_s\":40,\"heal_s\":50}]"
        --set "probes=[{\"at_s\":30,\"pairs\":60},{\"at_s\":45,\"pairs\":60},{\"at_s\":60,\"pairs\":60}]"
        --json repeats_${time}.json --csv repeats_${time}.csv --plot repeats_${time}.plot.svg
        --picture repeats_${time}.net.svg COMMAND_ERROR_IS_FATAL ANY)
endforeach()
foreach(file .json .csv .plot.svg .net.svg)
    file(SHA256 repeats_one${file} one)
    file(SHA256 repeats_two${file} two)
    if(NOT one STREQUAL two)
        message(FATAL_ERROR "repeats_one${file} and repeats_two${file} differ")
    endif()
endforeach()
