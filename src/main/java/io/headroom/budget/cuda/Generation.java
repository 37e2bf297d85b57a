package io.headroom.budget.cuda;

import io.headroom.units.Bytes;
import io.headroom.workload.Attention;
import io.headroom.workload.preset.Family;
import io.headroom.workload.preset.LanguageModel;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;

/**
 * Tokens behind a prompt, one by one, as {@code generate} of transformers 4.51 calls a model.
 *
 * <p>Keys and values grow with {@code torch.cat}: of one layer the old and the new ones are there at once ({@code DynamicCache.update} in
 * {@code cache_utils.py}), of GPT-2, which takes tuples, those of all layers until the next token is chosen. Heads that share keys and
 * values get copies of them, one layer at a time ({@code repeat_kv}). The last token is not passed through the model again. Of many
 * tokens {@link #MOST_LENGTHS} lengths are followed, the last two one after the other.
 */
final class Generation {
    private static final int MOST_LENGTHS = 192;
    private static final int LONG = 8;
    private static final int FLOAT = 4;

    private final Tape tape;
    private final CudaStep step;
    private final LanguageModel model;
    private final long batch;
    private final int element;
    private List<Memory> keysAndValues = new ArrayList<>();

    private Generation(Tape tape, CudaStep step) {
        this.tape = tape;
        this.step = step;
        model = step.model().language();
        batch = step.batch();
        element = step.precision().weightBytes();
    }

    /** The families whose cache grows by {@code torch.cat}. */
    static boolean follows(Family family) {
        return switch (family) {
            case GPT2, OPT, GPT_NEO, GPT_NEOX, LLAMA, QWEN2, QWEN3 -> true;
            default -> false;
        };
    }

    /** Whether the prompt's logits are those of its last token alone: {@code logits_to_keep} in the model's {@code forward}. */
    static boolean keepsLast(Family family) {
        return switch (family) {
            case GPT_NEOX, LLAMA, QWEN2, QWEN3 -> true;
            default -> false;
        };
    }

    /** Keys and values of all layers at the last token. */
    static long cacheBytes(CudaStep step) {
        LanguageModel model = step.model().language();
        long tokens = Bytes.plus(step.seq(), step.newTokens() - 1);
        return Bytes.times(2, model.layers(), layerBytes(step, tokens));
    }

    private static long layerBytes(CudaStep step, long tokens) {
        LanguageModel model = step.model().language();
        return Bytes.times(
                step.batch(),
                model.keyValueHeads(),
                tokens,
                model.headWidth(),
                step.precision().weightBytes());
    }

    static void run(Tape tape, CudaStep step, LanguageNetwork network, List<Value> inputs, int number) {
        Generation generation = new Generation(tape, step);
        tape.phase("prompt of step " + number);
        generation.next(network.prompt(inputs.get(0)).memory);
        network.cache.forEach(value -> generation.keysAndValues.add(value.memory));
        tape.phase("tokens of step " + number);
        for (long tokens : generation.lengths()) {
            generation.token(tokens);
        }
        generation.keysAndValues.forEach(tape::use);
    }

    /** How many tokens keys and values have after each pass that is followed. */
    private TreeSet<Long> lengths() {
        TreeSet<Long> lengths = new TreeSet<>();
        long passes = step.newTokens() - 1;
        long stride = Math.max(1, passes / MOST_LENGTHS);
        for (long pass = 1; pass <= passes; pass += stride) {
            lengths.add(step.seq() + pass);
        }
        for (long pass = Math.max(1, passes - 1); pass <= passes; pass++) {
            lengths.add(step.seq() + pass);
        }
        return lengths;
    }

    /** The last token's logits as a copy in fp32, and the token that is highest. */
    private void next(Memory logits) {
        tape.use(logits);
        Memory scores = tape.alloc(Bytes.times(batch, model.vocab(), FLOAT), "to");
        tape.use(logits);
        tape.use(tape.alloc(batch * LONG, "argmax"));
        tape.use(scores);
    }

    private void token(long tokens) {
        boolean tuples = model.family() == Family.GPT2;
        int perLayer = keysAndValues.size() / (int) model.layers();
        List<Memory> grown = new ArrayList<>();
        Memory hidden = wide(model.hidden(), "embedding");
        for (int layer = 0; layer < model.layers(); layer++) {
            Memory normal = wide(model.hidden(), "norm");
            Memory query = wide(Bytes.times(model.heads(), model.headWidth()), "mm");
            List<Memory> old = keysAndValues.subList(layer * perLayer, (layer + 1) * perLayer);
            Memory keys = tape.alloc(layerBytes(step, tokens), "cat");
            if (!tuples) {
                tape.use(old.get(0));
            }
            Memory values = tape.alloc(layerBytes(step, tokens), "cat");
            if (!tuples) {
                old.forEach(tape::use);
            }
            grown.add(keys);
            grown.add(values);
            attend(tokens);
            tape.use(normal);
            tape.use(query);
            Memory gate = wide(model.intermediate(), "mm");
            Memory up = wide(model.intermediate(), "mul");
            Memory out = wide(model.hidden(), "add");
            tape.use(gate);
            tape.use(up);
            tape.use(hidden);
            hidden = out;
        }
        Memory logits = wide(model.vocab(), "mm");
        tape.use(hidden);
        next(logits);
        if (tuples) {
            keysAndValues.forEach(tape::use);
        }
        keysAndValues = grown;
    }

    private void attend(long tokens) {
        List<Memory> copies = new ArrayList<>();
        if (model.keyValueHeads() != model.heads()) {
            long repeated = Bytes.times(batch, model.heads(), tokens, model.headWidth(), element);
            copies.add(tape.alloc(repeated, "clone"));
            copies.add(tape.alloc(repeated, "clone"));
        }
        if (model.family() == Family.GPT_NEO && element != FLOAT) {
            copies.add(tape.alloc(Bytes.times(batch, model.heads(), tokens, model.headWidth(), FLOAT), "to"));
        }
        if (Networks.attention(step) == Attention.EAGER) {
            copies.add(tape.alloc(Bytes.times(batch, model.heads(), tokens, FLOAT), "bmm"));
            copies.add(tape.alloc(Bytes.times(batch, model.heads(), tokens, FLOAT), "softmax"));
        }
        copies.add(wide(Bytes.times(model.heads(), model.headWidth()), "attention"));
        copies.forEach(tape::use);
    }

    private Memory wide(long width, String operator) {
        return tape.alloc(Bytes.times(batch, width, element), operator);
    }
}
