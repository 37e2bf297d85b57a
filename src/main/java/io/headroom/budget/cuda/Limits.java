package io.headroom.budget.cuda;

import io.headroom.workload.Attention;
import io.headroom.workload.preset.Family;
import io.headroom.workload.preset.LanguageModel;
import io.headroom.workload.preset.Preset;

/** What a language model can be given. */
final class Limits {
    private static final int OPT_OFFSET = 2;

    private Limits() {}

    /** Whether its layers can be run again in the backward pass here. */
    static boolean checkpoints(Preset preset) {
        return preset.language() != null && preset.language().family() != Family.T5;
    }

    static void checkSegments(Preset preset, long segments) {
        if (segments == 0) {
            return;
        }
        LanguageModel model = preset.language();
        if (!checkpoints(preset)) {
            throw new IllegalArgumentException("checkpointing " + segments + " is not followed for " + preset.name()
                    + (model == null
                            ? ", an image network, for which torchvision has none. Possible: a smaller batch or image, autocast-fp16."
                            : ", whose layers hand on one position bias. Possible: a smaller batch or seq, autocast-bf16;"
                                    + " the estimate without it is the larger one."));
        }
        if (segments < 0 || segments > model.layers()) {
            throw new IllegalArgumentException("checkpointing " + segments + " must be from 0 (none) to "
                    + model.layers() + ", the layers of " + preset.name() + " (each one, as true does).");
        }
    }

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
