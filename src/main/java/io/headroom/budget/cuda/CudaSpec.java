package io.headroom.budget.cuda;

import io.headroom.units.Whole;
import io.headroom.workload.Attention;
import io.headroom.workload.OptimizerKind;
import io.headroom.workload.Precision;
import io.headroom.workload.ZeroGrad;
import io.headroom.workload.preset.Preset;
import java.io.IOException;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * Reads a step from the keys of a spec file.
 *
 * <pre>{@code
 * CudaStep step = CudaSpec.read(Map.of("preset", "gpt2", "optimizer", "AdamW", "batch", 35, "seq", 128));
 * }</pre>
 *
 * <p>Keys: {@code preset} (or {@code config}, the path of a config.json) {@code optimizer batch accumulation seq image classes
 * precision attention zero_grad keep_outputs checkpointing lora_rank new_tokens inference card steps device}; all but the first have defaults. {@code
 * accumulation} splits {@code batch} into so many micro-batches; {@code inference} runs the forward pass alone; {@code device} may name a card, as {@code card} does. Stateless and safe for any number of threads.
 */
public final class CudaSpec {
    private static final Set<String> KEYS = Set.of(
            "preset",
            "config",
            "optimizer",
            "batch",
            "seq",
            "image",
            "classes",
            "precision",
            "attention",
            "zero_grad",
            "keep_outputs",
            "checkpointing",
            "card",
            "steps",
            "accumulation",
            "lora_rank",
            "new_tokens",
            "inference",
            "device");

    /** What a forward pass alone has not: gradients, a step, a graph to be computed again. */
    private static final List<String> TRAINING = List.of("optimizer", "zero_grad", "accumulation", "checkpointing");

    private static final Map<String, ZeroGrad> PLACES = Map.of(
            "start", ZeroGrad.BEFORE_FORWARD,
            "before-forward", ZeroGrad.BEFORE_FORWARD,
            "before-backward", ZeroGrad.BEFORE_BACKWARD,
            "after-forward", ZeroGrad.BEFORE_BACKWARD,
            "after-step", ZeroGrad.AFTER_STEP,
            "in-place", ZeroGrad.IN_PLACE);
    private static final long CLASSES = 1000;

    private CudaSpec() {}

    /** Whether a spec names a published model or a config.json, and so is one for this reader. */
    public static boolean applies(Map<String, ?> spec) {
        return spec.containsKey("preset") || spec.containsKey("config");
    }

    /**
     * The keys of a spec that change nothing: {@code seq} of an image network, {@code image} and {@code classes} of others; {@code
     * zero_grad} beside {@code accumulation}, where gradients live from one micro-batch to the next wherever they are dropped after the
     * last; in inference all that is of training.
     */
    public static List<String> unused(Map<String, ?> spec, CudaStep step) {
        List<String> others =
                new ArrayList<>(step.model().image() == null ? List.of("image", "classes") : List.of("seq"));
        if (step.inference()) {
            others.addAll(TRAINING);
            if (step.newTokens() > 0) {
                others.add("keep_outputs");
            }
        } else if (accumulates(spec) && place(text(spec, "zero_grad", "in-place")) != ZeroGrad.IN_PLACE) {
            others.add("zero_grad");
        }
        return others.stream().filter(key -> spec.get(key) != null).toList();
    }

    private static boolean accumulates(Map<String, ?> spec) {
        return whole(spec, "accumulation", 1) > 1;
    }

    /**
     * The step.
     *
     * @throws IllegalArgumentException for an unknown key, preset, optimizer, device or choice, or a size that cannot be;
     *     the message names it, its value and what to write instead
     */
    public static CudaStep read(Map<String, ?> spec) {
        refuse(
                spec,
                "frozen_layers",
                "is not followed beside preset; sizes (\"heads\", \"layers\", …) without preset take it");
        Set<String> unknown = new TreeSet<>(spec.keySet());
        unknown.removeAll(KEYS);
        if (!unknown.isEmpty()) {
            throw new IllegalArgumentException("unknown key " + String.join(", ", unknown) + " beside preset. Known: "
                    + String.join(", ", new TreeSet<>(KEYS)) + ".");
        }
        String device = text(spec, "device", "cuda");
        if (!plainCuda(device) && !named(device)) {
            throw new IllegalArgumentException(
                    "device " + shown(device)
                            + " does not go with preset: published models are followed on \"cuda\", or a card by its name, such as \"RTX 3060\".");
        }
        boolean inference = flag(spec, "inference", false);
        CudaStep.Builder step = CudaStep.of(model(spec))
                .optimizer(optimizer(text(spec, "optimizer", "adamw")))
                .batch(whole(spec, "batch", 1))
                .seq(whole(spec, "seq", 128))
                .image(whole(spec, "image", 224))
                .zeroGrad(place(text(spec, "zero_grad", "start")))
                .keepOutputs(flag(spec, "keep_outputs", !inference))
                .loraRank(Boolean.FALSE.equals(spec.get("lora_rank")) ? 0 : whole(spec, "lora_rank", 0))
                .inference(inference);
        step.newTokens(Boolean.FALSE.equals(spec.get("new_tokens")) ? 0 : whole(spec, "new_tokens", 0));
        precision(step, text(spec, "precision", "fp32"));
        if (spec.get("attention") != null) {
            step.attention(attention(text(spec, "attention", "")));
        }
        if (spec.get("checkpointing") instanceof Boolean all) {
            step.checkpointing(all);
        } else {
            step.checkpointing(whole(spec, "checkpointing", 0));
        }
        card(spec).ifPresent(step::card);
        long parts = whole(spec, "accumulation", 1);
        long batch = whole(spec, "batch", 1);
        if (!inference && (parts < 1 || parts > 1 && parts > batch)) {
            throw new IllegalArgumentException("accumulation " + parts + " with batch " + batch
                    + ": micro-batches must be from 1 to the batch, which they split.");
        }
        if (!inference && parts > 1) {
            step.batch(batch / parts + (batch % parts == 0 ? 0 : 1)).zeroGrad(ZeroGrad.IN_PLACE);
        }
        if (spec.get("steps") != null) {
            step.steps((int) Math.max(-1, Math.min(Integer.MAX_VALUE, whole(spec, "steps", 1))));
        }
        return step.build();
    }

    private static Preset model(Map<String, ?> spec) {
        String config = text(spec, "config", null);
        if (config == null) {
            return Preset.named(text(spec, "preset", ""), whole(spec, "classes", CLASSES));
        }
        if (spec.get("preset") != null) {
            throw new IllegalArgumentException(
                    "config " + shown(config) + " beside preset: both name a model. Keep one.");
        }
        try {
            return Preset.read(Path.of(config));
        } catch (IOException | InvalidPathException e) {
            throw new IllegalArgumentException(
                    "config " + shown(config) + " cannot be read ("
                            + e.getClass().getSimpleName() + "). Give the path of a config.json.",
                    e);
        }
    }

    private static void precision(CudaStep.Builder step, String name) {
        String plain = name.strip().toLowerCase(Locale.ROOT).replace('_', '-');
        switch (plain) {
            case "fp32", "fp16", "bf16" -> step.precision(Precision.valueOf(plain.toUpperCase(Locale.ROOT)));
            case "autocast", "autocast-fp16" -> step.autocast(Precision.FP16);
            case "autocast-bf16" -> step.autocast(Precision.BF16);
            default ->
                throw new IllegalArgumentException(
                        "precision " + shown(name) + " is not one of fp32, fp16, bf16, autocast-fp16, autocast-bf16.");
        }
    }

    private static void refuse(Map<String, ?> spec, String key, String why) {
        Object value = spec.get(key);
        if (value != null && !value.equals(false) && !value.equals(0)) {
            throw new IllegalArgumentException(key + " " + shown(value.toString()) + " " + why + ".");
        }
    }

    private static boolean plainCuda(String device) {
        return device.strip().toLowerCase(Locale.ROOT).matches("cuda(:\\d+)?");
    }

    private static boolean named(String device) {
        try {
            return !device.isBlank() && !Character.isDigit(device.strip().charAt(0)) && Cards.bytes(device) > 0;
        } catch (IllegalArgumentException e) {
            return false;
        }
    }

    /** The card that a spec names, as {@code card} or as {@code device}; empty if it names none. */
    private static Optional<Card> card(Map<String, ?> spec) {
        Object card = spec.get("card");
        if (card != null) {
            return Optional.of(
                    Cards.named(card instanceof String text ? text : String.valueOf(whole(spec, "card", 0))));
        }
        String device = text(spec, "device", "cuda");
        return plainCuda(device) || !named(device) ? Optional.empty() : Optional.of(Cards.named(device));
    }

    private static OptimizerKind optimizer(String name) {
        String plain = name.replaceAll("[^A-Za-z0-9]", "");
        for (OptimizerKind kind : OptimizerKind.values()) {
            if (kind.name().equalsIgnoreCase(plain)) {
                return kind;
            }
        }
        throw new IllegalArgumentException("optimizer " + shown(name) + " is not one of " + Limits.optimizers() + ".");
    }

    private static ZeroGrad place(String name) {
        ZeroGrad place = PLACES.get(name.toLowerCase(Locale.ROOT).replace('_', '-'));
        if (place == null) {
            throw new IllegalArgumentException(
                    "zero_grad " + shown(name) + " is not one of start, after-forward," + " after-step, in-place.");
        }
        return place;
    }

    private static Attention attention(String name) {
        return switch (name.strip().toLowerCase(Locale.ROOT)) {
            case "eager" -> Attention.EAGER;
            case "sdpa" -> Attention.SDPA;
            default -> throw new IllegalArgumentException("attention " + shown(name) + " is not one of eager, sdpa.");
        };
    }

    private static String text(Map<String, ?> spec, String key, String otherwise) {
        Object value = spec.get(key);
        if (value == null) {
            return otherwise;
        }
        if (value instanceof String text) {
            return text;
        }
        throw new IllegalArgumentException(key + " " + shown(value.toString()) + " must be a text in quotes.");
    }

    private static long whole(Map<String, ?> spec, String key, long otherwise) {
        Object value = spec.get(key);
        if (value == null) {
            return otherwise;
        }
        return Whole.of(value)
                .orElseThrow(() ->
                        new IllegalArgumentException(key + " " + shown(value.toString()) + " must be a whole number."));
    }

    private static boolean flag(Map<String, ?> spec, String key, boolean otherwise) {
        Object value = spec.get(key);
        if (value == null) {
            return otherwise;
        }
        if (value instanceof Boolean flag) {
            return flag;
        }
        throw new IllegalArgumentException(key + " " + shown(value.toString()) + " must be true or false.");
    }

    private static String shown(String text) {
        return "\"" + (text.length() > 60 ? text.substring(0, 60) + "…" : text) + "\"";
    }
}
