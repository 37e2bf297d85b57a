package io.headroom.budget.cuda;

import io.headroom.workload.Attention;
import io.headroom.workload.preset.LanguageModel;
import io.headroom.workload.preset.Preset;

/** What a language model can be given. */
final class Limits {
    private static final int OPT_OFFSET = 2;

    private Limits() {}

    static void check(Preset preset, long seq, Attention attention) {
        LanguageModel model = preset.language();
        if (attention == Attention.SDPA && !model.family().fuses()) {
            throw new IllegalArgumentException("attention SDPA: transformers 4.51 has none for " + preset.name()
                    + ", which is eager only. Leave attention out.");
        }
        long places =
                switch (model.family()) {
                    case GPT2, GPT_NEO, BERT, DEBERTA -> model.positions();
                    case OPT -> model.positions() - OPT_OFFSET;
                    default -> Long.MAX_VALUE;
                };
        if (seq > places) {
            throw new IllegalArgumentException("seq " + seq + " is longer than the " + places + " positions of "
                    + preset.name() + ". Use at most " + places + ".");
        }
    }
}
