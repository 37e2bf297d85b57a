package io.headroom.budget.cuda;

import io.headroom.workload.Attention;
import io.headroom.workload.preset.LanguageModel;

/** The network of each family. */
final class Networks {
    private Networks() {}

    static Network of(Tape tape, CudaStep step, Weights weights, boolean workspaces) {
        LanguageModel language = step.model().language();
        if (language == null) {
            return new ImageNetwork(
                    tape,
                    step.model().image(),
                    weights,
                    step.batch(),
                    step.image(),
                    step.precision().weightBytes(),
                    workspaces);
        }
        Attention kind = attention(step);
        long b = step.batch();
        long s = step.seq();
        LanguageNetwork network =
                switch (language.family()) {
                    case GPT2 -> new Gpt2Network(tape, language, weights, kind, b, s);
                    case OPT -> new OptNetwork(tape, language, weights, kind, b, s);
                    case GPT_NEO -> new GptNeoNetwork(tape, language, weights, kind, b, s);
                    case GPT_NEOX -> new GptNeoXNetwork(tape, language, weights, kind, b, s);
                    case T5 -> new T5Network(tape, language, weights, kind, b, s);
                    case BERT -> new BertNetwork(tape, language, weights, kind, b, s);
                    case DEBERTA -> new DebertaNetwork(tape, language, weights, kind, b, s);
                    case LLAMA, QWEN2, QWEN3 -> new LlamaNetwork(tape, language, weights, kind, b, s);
                    case GEMMA2 -> new Gemma2Network(tape, language, weights, kind, b, s);
                };
        return network.checkpointed(step.segments()).adapted(step.loraRank() > 0);
    }

    static Attention attention(CudaStep step) {
        return step.attention() == null ? usual(step.model().language()) : step.attention();
    }

    /** What transformers 4.51 takes by itself where PyTorch has SDPA. */
    static Attention usual(LanguageModel model) {
        return switch (model.family()) {
            case GPT_NEO, T5, DEBERTA, GEMMA2 -> Attention.EAGER;
            default -> Attention.SDPA;
        };
    }
}
