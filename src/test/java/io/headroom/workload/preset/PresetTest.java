package io.headroom.workload.preset;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Presets have exactly the parameters that were published. */
class PresetTest {
    @ParameterizedTest
    @CsvSource({
        "distilbert/distilgpt2, 81912576",
        "openai-community/gpt2, 124439808",
        "openai-community/gpt2-medium, 354823168",
        "facebook/opt-125m, 125239296",
        "facebook/opt-350m, 331196416",
        "EleutherAI/gpt-neo-125M, 125198592",
        "cerebras/Cerebras-GPT-111M, 111050496",
        "T5-small, 60506624",
        "t5-base, 222903552",
        "deberta-base, 139244121",
        "bert-base-uncased, 109514298",
        "Qwen/Qwen3-0.6B, 596049920",
        "Qwen/Qwen3-4B, 4022468096",
        "deepseek-ai/DeepSeek-R1-Distill-Qwen-1.5B, 1777088000",
        "meta-llama/Llama-3.2-3B-Instruct, 3212749824",
        "google/gemma-2-2b-it, 2614341888",
        "EleutherAI/pythia-1b, 1011781632",
        "VGG16, 138357544",
        "VGG19, 143667240",
        "ResNet50, 25557032",
        "ResNet101, 44549160",
        "ResNet152, 60192808",
        "MobileNetV2, 3504872",
        "MobileNetV3Small, 2542856",
        "MobileNetV3Large, 5483032",
        "MnasNet, 4383312",
        "ConvNeXtTiny, 28589128",
        "ConvNeXtBase, 88591464",
        "RegNetX400MF, 5495976",
        "RegNetY400MF, 4344144"
    })
    void countsItsParameters(String name, long parameters) {
        assertThat(Preset.named(name).parameters()).isEqualTo(parameters);
    }

    @ParameterizedTest
    @CsvSource({"MobileNetV3Small, 1528106", "MobileNetV3Large, 4214842", "MnasNet, 3115122"})
    void takesAnyNumberOfClasses(String name, long parameters) {
        assertThat(Preset.named(name, 10).parameters()).isEqualTo(parameters);
    }

    /** Published sizes that are no presets: gpt2-large, opt-1.3b, Llama-3.2-1B, Qwen3-1.7B, pythia-410m, gemma-2-9b, t5-large. */
    @ParameterizedTest
    @CsvSource({
        "GPT2, 1280, 36, 20, 0, 0, 0, 50257, true, 774030080",
        "OPT, 2048, 24, 32, 0, 0, 8192, 50272, true, 1315758080",
        "LLAMA, 2048, 16, 32, 8, 64, 8192, 128256, true, 1235814400",
        "QWEN3, 2048, 28, 16, 8, 128, 6144, 151936, true, 1720574976",
        "GPT_NEOX, 1024, 24, 16, 0, 0, 4096, 50304, false, 405334016",
        "GEMMA2, 3584, 42, 16, 8, 256, 14336, 256000, true, 9241705984",
        "T5, 1024, 24, 16, 0, 64, 4096, 32128, true, 737668096",
        "BERT, 1024, 24, 16, 0, 0, 4096, 30522, true, 335174458"
    })
    void countsParametersOfOtherSizes(
            Family family,
            long hidden,
            long layers,
            long heads,
            long groups,
            long width,
            long forward,
            long vocab,
            boolean tied,
            long parameters) {
        LanguageModel model = LanguageModel.of(family)
                .hidden(hidden)
                .layers(layers)
                .heads(heads)
                .keyValueHeads(groups)
                .headWidth(width)
                .intermediate(forward)
                .vocab(vocab)
                .tied(tied)
                .build();

        assertThat(model.parameters()).isEqualTo(parameters);
    }

    @Test
    void isFoundInAnyCaseAndWithoutItsOwner() {
        assertThat(Preset.named("GPT2").name()).isEqualTo("openai-community/gpt2");
        assertThat(Preset.named("vgg16").name()).isEqualTo("VGG16");
    }

    @ParameterizedTest
    @CsvSource({
        "gpt2, openai-community/gpt2",
        "OpenAI-Community/GPT2-Medium, openai-community/gpt2-medium",
        "distilgpt2, distilbert/distilgpt2",
        "opt-350M, facebook/opt-350m",
        "gpt-neo-125m, EleutherAI/gpt-neo-125M",
        "cerebras-gpt-111m, cerebras/Cerebras-GPT-111M",
        "google-t5/t5-small, T5-small",
        "google-t5/t5-base, t5-base",
        "microsoft/deberta-base, deberta-base",
        "google-bert/bert-base-uncased, bert-base-uncased",
        "qwen3-0.6b, Qwen/Qwen3-0.6B",
        "Qwen3_0.6B, Qwen/Qwen3-0.6B",
        "opt_350m, facebook/opt-350m",
        "Llama-3.2-3B-Instruct, meta-llama/Llama-3.2-3B-Instruct",
        "gemma-2-2b-it, google/gemma-2-2b-it",
        "' Pythia-1B ', EleutherAI/pythia-1b",
        "resnet50, ResNet50",
        "mobilenet_v2, MobileNetV2",
        "mobilenet_v3_small, MobileNetV3Small",
        "mnasnet1_0, MnasNet",
        "convnext_tiny, ConvNeXtTiny",
        "regnet_x_400mf, RegNetX400MF",
        "RegNet-Y-400MF, RegNetY400MF"
    })
    void hasTheNamesOfHubAndTorchvision(String written, String name) {
        assertThat(Preset.named(written).name()).isEqualTo(name);
    }

    @ParameterizedTest
    @CsvSource({
        "gpt-3, openai-community/gpt2",
        "resnet18, ResNet50",
        "bert-base-cased, bert-base-uncased",
        "meta-llama/Llama-3.2-1B, meta-llama/Llama-3.2-3B-Instruct",
        "someone/opt-1.3b, facebook/opt-125m",
        "gpt2-large, Did you mean openai-community/gpt2-medium",
        "gpt2-xl, Did you mean openai-community/gpt2",
        "gtp2, Did you mean openai-community/gpt2",
        "Qwen/Qwen3-8B, Qwen/Qwen3-4B",
        "vgg11, VGG16"
    })
    void offersNamesNearby(String written, String offered) {
        assertThatThrownBy(() -> Preset.named(written)).hasMessageContaining(offered);
    }

    @Test
    void offersTheNearestNames() {
        assertThatThrownBy(() -> Preset.named("gtp2"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("gtp2")
                .hasMessageContaining("openai-community/gpt2");
        assertThatThrownBy(() -> Preset.named(null)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> Preset.named("x".repeat(100_000))).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void refusesSizesThatCannotBeBuilt() {
        assertThatThrownBy(() -> LanguageModel.of(Family.LLAMA)
                        .heads(10)
                        .keyValueHeads(3)
                        .build())
                .hasMessageContaining("num_attention_heads 10")
                .hasMessageContaining("num_key_value_heads 3");
        assertThatThrownBy(() -> LanguageModel.of(Family.GPT2).layers(-1).build())
                .hasMessageContaining("num_hidden_layers -1");
        assertThatThrownBy(() -> Preset.named("VGG16", 0)).hasMessageContaining("classes 0");
    }

    @Test
    void knowsTheSmallestImage() {
        assertThat(Preset.named("VGG16").image().smallestImage()).isEqualTo(32);
        assertThat(Preset.named("ConvNeXtTiny").image().smallestImage()).isEqualTo(32);
        assertThat(Preset.named("ResNet50").image().smallestImage()).isEqualTo(1);
    }
}
