package io.headroom.memory;

import java.util.OptionalLong;

/**
 * The process as the operating system counts it; bytes, absent where the system does not say.
 *
 * <p>On Linux {@code resident = anonymous + file + shared}. {@code data} is what {@code RLIMIT_DATA} limits: private
 * writable address space, touched or not (malloc, committed heap, thread stacks).
 *
 * @param resident resident set (RSS)
 * @param peak highest resident set since the start or since the last {@link Watch}
 * @param anonymous resident and private: heap, malloc, stacks
 * @param file resident and backed by files: libraries, jars, mapped weights
 * @param shared resident shared memory
 * @param data private writable address space (VmData)
 * @param virtual the whole address space
 * @param swapped moved out to swap
 * @param threads threads of the process, native ones too
 */
public record ProcessMemory(
        OptionalLong resident,
        OptionalLong peak,
        OptionalLong anonymous,
        OptionalLong file,
        OptionalLong shared,
        OptionalLong data,
        OptionalLong virtual,
        OptionalLong swapped,
        OptionalLong threads) {

    static ProcessMemory unknown() {
        OptionalLong none = OptionalLong.empty();
        return new ProcessMemory(none, none, none, none, none, none, none, none, none);
    }
}
