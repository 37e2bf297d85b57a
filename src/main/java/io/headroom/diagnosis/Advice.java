package io.headroom.diagnosis;

import io.headroom.remedy.Remedy;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * One thing to do about a failure.
 *
 * @param name what to do, in a few words
 * @param saves predicted bytes, where the message or the workload lets them be told
 * @param basis what the prediction rests on, {@code ""} where there is none
 * @param how the exact code, command or setting
 * @param cost what it costs in speed, accuracy or risk
 * @param remedy the catalogue's remedy behind it, for a panel to open at that setting
 */
public record Advice(String name, OptionalLong saves, String basis, String how, String cost, Optional<Remedy> remedy) {}
