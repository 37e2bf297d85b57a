package io.headroom.workload;

import io.headroom.units.Whole;
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * Everything that can be set on a workload: its key in a spec file, its default, its range.
 *
 * <p>One table for the fluent methods, the spec file, the panel's sliders and the messages, so that they agree.
 */
public enum Option {
    BATCH("batch", 1, 1, "samples in one optimizer step"),
    NODES(
            "nodes",
            1,
            1,
            "graph nodes merged into each sample: sequences = batch × nodes; of a gat: nodes of each graph"),
    EDGES("edges", 0, 0, "edges of each graph, loops to itself included; 0 = a dense matrix of nodes × nodes"),
    SEQ("seq", 128, 1, "positions in a sequence"),
    HEADS("heads", 8, 1, "attention heads"),
    KV_HEADS("kv_heads", 0, 0, "key and value heads of grouped-query attention; 0 = heads"),
    D_MODEL("d_model", 512, 1, "width of the hidden state"),
    LAYERS("layers", 6, 1, "layers in the stack"),
    FF("ff", 2048, 1, "width inside the feed-forward part"),
    VOCAB("vocab", 0, 0, "tokens in the vocabulary; 0 = the input is numbers, not tokens"),
    FEATURES("features", 0, 0, "numbers at each position of the input; 0 = d_model of them"),
    OUTPUTS("outputs", 1, 1, "numbers, or classes, that the head returns"),
    IMAGE("image", 32, 1, "height and width of the input image"),
    POSITIONS("positions", 0, 0, "rows of the position table; 0 = no limit on seq"),
    CHUNKS("chunks", 8, 1, "pieces of chunked attention"),
    DROPOUT("dropout", 0.1, 0.0, 0.999, "share of values dropped"),
    ATTENTION("attention", Attention.EAGER, "eager, chunked or sdpa"),
    PRECISION("precision", Precision.FP32, "fp32, fp16, bf16 or autocast"),
    OPTIMIZER("optimizer", OptimizerKind.ADAM, "sgd, momentum, adam, adamw, adagrad, rmsprop, adafactor or adam8bit"),
    CHECKPOINTING("checkpointing", 0, 0, "segments of gradient checkpointing; 0 = off"),
    ACCUMULATION("accumulation", 1, 1, "micro-batches that one optimizer step is split into"),
    LORA_RANK("lora_rank", 0, 0, "rank of LoRA adapters on the attention projections, all else frozen; 0 = off"),
    FROZEN_LAYERS(
            "frozen_layers",
            0,
            0,
            "first layers that are not trained, nor what is in front of them: input layer, embedding"),
    TIED("tied", false, "whether the head shares the embedding's weights"),
    ZERO_GRAD("zero_grad", ZeroGrad.IN_PLACE, "in_place, before_forward, before_backward or after_step"),
    FOREACH("foreach", false, "whether the optimizer updates all weights at once (PyTorch on CUDA)"),
    INFERENCE("inference", false, "forward only, no gradients"),
    NEW_TOKENS("new_tokens", 0, 0, "tokens generated in inference: the KV cache holds seq + new_tokens; 0 = no cache"),
    SHARDING("sharding", Sharding.NONE, "none, ddp, zero1, zero2, zero3 or tensor"),
    DEVICES("devices", 1, 1, "devices that share the work"),
    PREFETCH("prefetch", 0, 0, "batches the loader holds ready; with workers, each of them (0 = PyTorch's 2)"),
    WORKERS("workers", 0, 0, "loader workers that hold batches ready; 0 = one loader"),
    PINNED("pinned", false, "whether batches wait in page-locked host memory, in blocks of a power of two bytes"),
    DEVICE("device", "cpu", "cpu, cuda, mps, or a device of the table, such as \"A100 40GB\"");

    private final String key;
    private final Object fallback;
    private final Comparable<?> smallest;
    private final Comparable<?> largest;
    private final String meaning;

    Option(String key, long fallback, long smallest, String meaning) {
        this(key, (Object) fallback, smallest, Long.MAX_VALUE, meaning);
    }

    Option(String key, double fallback, double smallest, double largest, String meaning) {
        this(key, (Object) fallback, smallest, largest, meaning);
    }

    Option(String key, Object fallback, String meaning) {
        this(key, fallback, null, null, meaning);
    }

    Option(String key, Object fallback, Comparable<?> smallest, Comparable<?> largest, String meaning) {
        this.key = key;
        this.fallback = fallback;
        this.smallest = smallest;
        this.largest = largest;
        this.meaning = meaning;
    }

    /** Its key in a spec file: {@code "d_model"}. */
    public String key() {
        return key;
    }

    /** The value where nothing is said. */
    public Object fallback() {
        return fallback;
    }

    /** What it means, in a few words. */
    public String meaning() {
        return meaning;
    }

    /** Finds an option by its key. */
    public static Optional<Option> ofKey(String key) {
        return Arrays.stream(values()).filter(option -> option.key.equals(key)).findFirst();
    }

    /** The values a choice can take, as written in a spec file; empty for numbers and text. */
    public java.util.List<String> choices() {
        if (fallback instanceof Enum<?> choice) {
            return Arrays.stream(choice.getDeclaringClass().getEnumConstants())
                    .map(Option::written)
                    .toList();
        }
        return fallback instanceof Boolean ? java.util.List.of("false", "true") : java.util.List.of();
    }

    /** A value as a spec file writes it: numbers and booleans as they are, choices in lower case. */
    static Object plain(Object value) {
        return value instanceof Enum<?> choice ? written(choice) : value;
    }

    /**
     * Checks a value and turns it into the option's own type.
     *
     * @throws IllegalArgumentException if it is of the wrong type or out of range; the message names key and value
     */
    Object check(Object value) {
        if (fallback instanceof Long) {
            return checkLong(value);
        }
        if (fallback instanceof Double) {
            return checkDouble(value);
        }
        if (fallback instanceof Boolean) {
            if (value instanceof Boolean) {
                return value;
            }
            throw wrong(value, "true or false");
        }
        if (fallback instanceof Enum<?> choice) {
            return checkChoice(value, choice);
        }
        if (value instanceof String text && !text.isBlank()) {
            return text.strip().equalsIgnoreCase("cpu") ? "cpu" : text.strip();
        }
        throw wrong(value, "a name");
    }

    private Long checkLong(Object value) {
        long number = Whole.of(value).orElseThrow(() -> wrong(value, "a whole number"));
        if (number < (Long) smallest) {
            throw wrong(value, (Long) smallest == 0 ? "0 or more" : "at least " + smallest);
        }
        return number;
    }

    private Double checkDouble(Object value) {
        if (!(value instanceof Number)) {
            throw wrong(value, "a number");
        }
        double number = ((Number) value).doubleValue();
        if (!(number >= (Double) smallest && number <= (Double) largest)) {
            throw wrong(value, "from 0 to " + largest);
        }
        return number;
    }

    private Object checkChoice(Object value, Enum<?> choice) {
        if (choice.getDeclaringClass().isInstance(value)) {
            return value;
        }
        if (value instanceof String text) {
            String name = text.strip().replace('-', '_').toUpperCase(Locale.ROOT);
            for (Enum<?> constant : choice.getDeclaringClass().getEnumConstants()) {
                if (constant.name().equals(name)) {
                    return constant;
                }
            }
        }
        throw wrong(
                value, choices().stream().map(c -> "\"" + c + "\"").collect(Collectors.joining(", ", "one of ", "")));
    }

    private IllegalArgumentException wrong(Object value, String wanted) {
        String shown = value instanceof String ? "\"" + value + "\"" : String.valueOf(value);
        return new IllegalArgumentException(
                key + " = " + shown + ": " + key + " (" + meaning + ") must be " + wanted + ".");
    }

    private static String written(Enum<?> choice) {
        return choice.name().toLowerCase(Locale.ROOT);
    }
}
