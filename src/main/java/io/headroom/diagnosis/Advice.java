package io.headroom.diagnosis;

import java.util.OptionalLong;

/**
 * One thing to do about a failure.
 *
 * @param name what to do, in a few words
 * @param saves predicted bytes, where the message or the workload lets them be told; a lower bound
 * @param how the exact code, command or setting
 * @param cost what it costs in speed, accuracy or risk
 */
public record Advice(String name, OptionalLong saves, String how, String cost) {}
