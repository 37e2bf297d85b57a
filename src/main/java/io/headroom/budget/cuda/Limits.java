package io.headroom.budget.cuda;

import io.headroom.workload.preset.Family;
import io.headroom.workload.preset.LanguageModel;
import io.headroom.workload.preset.Preset;

/** What a language model can be given. */
final class Limits {
    private static final int OPT_OFFSET = 2;

    private Limits() {}

    static void check(Preset preset, long seq) {
        LanguageModel model = preset.language();
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
        if (model.family() != Family.T5
                && model.hidden() % model.heads() != 0
                && model.headWidth() * model.heads() == 0) {
            throw new IllegalArgumentException(
                    "heads " + model.heads() + " do not divide hidden " + model.hidden() + ".");
        }
    }
}
