package io.headroom.workload.preset;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Adapters have as many parameters as PEFT's {@code print_trainable_parameters()} says. */
class LoraAdaptersTest {
    /** GPT-2's is in PEFT's documentation; the others are rank · Σ (in + out) over the layers of PEFT's table, added up by hand. */
    @ParameterizedTest
    @CsvSource({
        "openai-community/gpt2, 8, 294912",
        "openai-community/gpt2-medium, 8, 786432",
        "facebook/opt-125m, 16, 589824",
        "facebook/opt-350m, 8, 786432",
        "EleutherAI/gpt-neo-125M, 8, 294912",
        "EleutherAI/pythia-1b, 8, 1048576",
        "T5-small, 8, 294912",
        "t5-base, 8, 884736",
        "bert-base-uncased, 8, 294912",
        "deberta-base, 8, 294912",
        "meta-llama/Llama-3.2-3B-Instruct, 8, 2293760",
        "Qwen/Qwen3-0.6B, 8, 1146880",
        "google/gemma-2-2b-it, 8, 1597440"
    })
    void countsWhatPeftTrains(String preset, long rank, long trained) {
        assertThat(LoraAdapters.parameters(Preset.named(preset).language(), rank))
                .isEqualTo(trained);
    }

    @Test
    void namesBothMatricesOfALayer() {
        assertThat(LoraAdapters.of(Preset.named("gpt2").language(), 8))
                .hasSize(24)
                .startsWith(
                        new Weight("transformer.h.0.attn.c_attn.lora_A.weight", java.util.List.of(8L, 768L), true, 4),
                        new Weight("transformer.h.0.attn.c_attn.lora_B.weight", java.util.List.of(2304L, 8L), true, 4));
    }
}
