package io.headroom.budget.cuda;

import io.headroom.workload.Attention;
import io.headroom.workload.OptimizerKind;
import io.headroom.workload.preset.Family;
import io.headroom.workload.preset.LanguageModel;
import io.headroom.workload.preset.Preset;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/** What a model can be given. */
final class Limits {
    private static final int OPT_OFFSET = 2;
    private static final long MOST_TOKENS = 1L << 24;

    private Limits() {}

    /** Whether its layers can be run again in the backward pass here. */
    static boolean checkpoints(Preset preset) {
        return preset.language() != null;
    }

    static void checkSegments(Preset preset, long segments) {
        if (segments == 0) {
            return;
        }
        LanguageModel model = preset.language();
        if (!checkpoints(preset)) {
            throw new IllegalArgumentException(
                    "checkpointing " + segments + " is not followed for " + preset.name()
                            + ", an image network, for which torchvision has none. Possible: a smaller batch or image, autocast-fp16.");
        }
        if (model.family() == Family.T5 && segments != model.layers()) {
            throw new IllegalArgumentException("checkpointing " + segments + " of " + preset.name()
                    + ", whose layers transformers checkpoints one by one: write true, or leave it out.");
        }
        if (segments < 0 || segments > model.layers()) {
            throw new IllegalArgumentException("checkpointing " + segments + " must be from 0 (none) to "
                    + model.layers() + ", the layers of " + preset.name() + " (each one, as true does).");
        }
    }

    /** Adapters go to the layers that PEFT names for a family, and none is wider than the model. */
    static void checkRank(Preset preset, long rank) {
        LanguageModel model = preset.language();
        if (rank != 0 && model == null) {
            throw new IllegalArgumentException("lora_rank " + rank + " is not followed for " + preset.name()
                    + ", an image network: PEFT names no layers of it. Leave it out, or take a language model.");
        }
        if (rank != 0 && (rank < 0 || rank > model.hidden())) {
            throw new IllegalArgumentException("lora_rank " + rank + " must be from 1 to the width of " + preset.name()
                    + ", " + model.hidden() + ", or 0 for none.");
        }
    }

    /** A cache that grows is that of a decoder, in inference, no longer than its positions. */
    static void checkTokens(Preset preset, long seq, long tokens, boolean inference, boolean autocast) {
        if (tokens == 0) {
            return;
        }
        LanguageModel model = preset.language();
        String key = "new_tokens " + tokens;
        if (tokens < 0 || tokens > MOST_TOKENS) {
            throw new IllegalArgumentException(key + " must be from 1 to " + MOST_TOKENS + ", or 0 for none.");
        }
        if (!inference) {
            throw new IllegalArgumentException(key
                    + " in training: tokens are generated in inference alone. Set inference, or leave new_tokens out.");
        }
        if (model == null || !Generation.follows(model.family())) {
            throw new IllegalArgumentException(key + " is not followed for " + preset.name() + ", "
                    + (model == null
                            ? "an image network"
                            : switch (model.family()) {
                                case GEMMA2 -> "whose cache of fixed size (HybridCache) is not followed token by token";
                                case T5 -> "whose caches of encoder and decoder are not followed token by token";
                                default -> "an encoder, which generates none";
                            })
                    + ". Leave it out, or take a decoder such as gpt2 or Qwen3-0.6B.");
        }
        if (!model.cache()) {
            throw new IllegalArgumentException(
                    key + " of " + preset.name()
                            + ", whose use_cache is false: without keys and values of its own each token is a pass over all. Leave it out and take seq for all of them.");
        }
        if (autocast) {
            throw new IllegalArgumentException(
                    key + " under autocast is not followed: take weights in half, precision \"fp16\" or \"bf16\".");
        }
        long places = places(model);
        if (seq + tokens - 1 > places) {
            throw new IllegalArgumentException("seq " + seq + " and " + key + " together are beyond the " + places
                    + " positions of " + preset.name() + ". Use at most " + places + ".");
        }
    }

    /** Sizes whose bytes cannot be counted, by the keys that make them. */
    static IllegalArgumentException tooLarge(CudaStep step, ArithmeticException cause) {
        LanguageModel model = step.model().language();
        String sizes = model == null
                ? "image " + step.image()
                : "seq " + step.seq() + ", hidden size " + model.hidden() + ", layers " + model.layers()
                        + ", feed-forward " + model.intermediate() + ", vocabulary " + model.vocab();
        return new IllegalArgumentException(
                "batch " + step.batch() + ", " + sizes + ": the steps of "
                        + step.model().name()
                        + " would allocate more than 1 EiB (2^60 bytes), more than is counted here. Make one of these smaller.",
                cause);
    }

    /** More tensors than a tape follows, by the keys that make them. */
    static IllegalArgumentException tooMany(CudaStep step, List<String> phases) {
        long whole = phases.stream().filter(phase -> phase.startsWith("input")).count() - 1;
        LanguageModel model = step.model().language();
        return new IllegalArgumentException("steps " + step.steps() + " of "
                + step.model().name() + (model == null ? "" : ", " + model.layers() + " layers")
                + ", allocate more than "
                + Tape.MOST_TENSORS + " tensors, more than are followed here. "
                + (whole < 1
                        ? "Make layers fewer."
                        : "Take at most " + whole + (whole == 1 ? " step" : " steps")
                                + (model == null ? "." : ", or make layers fewer.")));
    }

    /** Whether a batch norm would see one value a channel, which PyTorch refuses in training. */
    static boolean normsOneValue(Preset preset, long batch, long image) {
        return preset.image() != null && batch == 1 && preset.image().smallestNormalizedSide(image) == 1;
    }

    /** An image must leave a place in every layer, and batch norm two values a channel ({@code _verify_batch_size}). */
    static void checkImage(Preset preset, long batch, long image, boolean training) {
        long smallest = preset.image().smallestImage();
        if (image < smallest) {
            throw new IllegalArgumentException("image " + image + " is too small for " + preset.name()
                    + ": its layers leave nothing of it. Use at least " + smallest + ".");
        }
        if (training && normsOneValue(preset, batch, image)) {
            long larger = image;
            while (normsOneValue(preset, batch, larger)) {
                larger++;
            }
            throw new IllegalArgumentException("batch 1 with image " + image
                    + " leaves one value a channel to a batch norm of "
                    + preset.name() + ", which PyTorch refuses in training (Expected more than 1 value per channel)."
                    + " Use batch 2, or image " + larger + ".");
        }
    }

    static String optimizers() {
        return Arrays.stream(OptimizerKind.values())
                .map(kind -> kind.name().toLowerCase(Locale.ROOT))
                .collect(Collectors.joining(", "));
    }

    private static long places(LanguageModel model) {
        return switch (model.family()) {
            case GPT2, GPT_NEO, BERT, DEBERTA -> model.positions();
            case OPT -> model.positions() - OPT_OFFSET;
            default -> Long.MAX_VALUE;
        };
    }

    static void check(Preset preset, long seq, Attention attention) {
        LanguageModel model = preset.language();
        if (attention == Attention.SDPA && !model.family().fuses()) {
            throw new IllegalArgumentException("attention SDPA: transformers 4.51 has none for " + preset.name()
                    + ", which is eager only. Leave attention out.");
        }
        long places = places(model);
        if (seq > places) {
            throw new IllegalArgumentException("seq " + seq + " is longer than the " + places + " positions of "
                    + preset.name() + ". Use at most " + places + ".");
        }
    }
}
