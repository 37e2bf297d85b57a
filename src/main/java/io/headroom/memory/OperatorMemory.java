package io.headroom.memory;

/**
 * CPU memory one operator took for one input shape, over all its calls.
 *
 * <p>As the engine's profiler counts it: allocated less freed within the operator itself, operators it called not
 * included; rounded by the profiler to two decimals of its unit.
 *
 * @param name {@code "aten::bmm"}
 * @param shape its inputs, {@code "[12800, 80, 16] [12800, 16, 80]"}
 * @param calls how often it ran
 * @param bytes net bytes over all calls; negative where it freed more than it took
 */
public record OperatorMemory(String name, String shape, int calls, long bytes) {}
