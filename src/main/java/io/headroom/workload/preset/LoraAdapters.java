package io.headroom.workload.preset;

import io.headroom.units.Bytes;
import java.util.ArrayList;
import java.util.List;

/**
 * The LoRA adapters that PEFT puts on a model by itself, {@code LoraConfig(r=rank)} without {@code target_modules}.
 *
 * <pre>{@code
 * LoraAdapters.parameters(Preset.named("gpt2").language(), 8);   // 294912, as print_trainable_parameters() says
 * }</pre>
 *
 * <p>For a layer from {@code in} to {@code out} values {@code lora_A} has {@code [rank, in]}, {@code lora_B} {@code [out, rank]}; both are
 * kept in fp32 whatever the weights are ({@code autocast_adapter_dtype}). Source: {@code TRANSFORMERS_MODELS_TO_LORA_TARGET_MODULES_MAPPING} in
 * {@code peft/utils/constants.py} (Qwen 3 from 0.16 on) and {@code peft/tuners/lora/layer.py}, 0.15; Hu et al. 2021. Stateless and safe for any number of threads.
 */
public final class LoraAdapters {
    private static final int FLOAT = 4;
    private static final String WEIGHT = ".weight";

    private LoraAdapters() {}

    /** The layers that get an adapter, by the last part of their names: {@code [c_attn]}, {@code [q_proj, v_proj]}. */
    public static List<String> targets(Family family) {
        return switch (family) {
            case GPT2 -> List.of("c_attn");
            case OPT, GPT_NEO, LLAMA, QWEN2, QWEN3, GEMMA2 -> List.of("q_proj", "v_proj");
            case GPT_NEOX -> List.of("query_key_value");
            case T5 -> List.of("q", "v");
            case BERT -> List.of("query", "value");
            case DEBERTA -> List.of("in_proj");
        };
    }

    /** Both matrices of each adapted layer, {@code ….c_attn.lora_A.weight} and {@code ….c_attn.lora_B.weight}. */
    public static List<Weight> of(LanguageModel model, long rank) {
        List<String> targets = targets(model.family());
        boolean turned = model.family() == Family.GPT2;
        List<Weight> adapters = new ArrayList<>();
        for (Weight weight : model.weights()) {
            String name = weight.name();
            if (name.endsWith(WEIGHT)) {
                String module = name.substring(0, name.length() - WEIGHT.length());
                if (targets.contains(module.substring(module.lastIndexOf('.') + 1))) {
                    long in = weight.shape().get(turned ? 0 : 1);
                    long out = weight.shape().get(turned ? 1 : 0);
                    adapters.add(new Weight(module + ".lora_A.weight", List.of(rank, in), true, FLOAT));
                    adapters.add(new Weight(module + ".lora_B.weight", List.of(out, rank), true, FLOAT));
                }
            }
        }
        return adapters;
    }

    /** How many values are trained: {@code rank · (in + out)} for each adapted layer. */
    public static long parameters(LanguageModel model, long rank) {
        return of(model, rank).stream().mapToLong(Weight::count).reduce(0, (sum, count) -> Bytes.plus(sum, count));
    }
}
