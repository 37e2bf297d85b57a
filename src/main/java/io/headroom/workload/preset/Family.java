package io.headroom.workload.preset;

/** The ways a published language model is built; each is a modeling file of Hugging Face transformers 4.51. */
public enum Family {
    GPT2("gpt2"),
    OPT("opt"),
    GPT_NEO("gpt_neo"),
    GPT_NEOX("gpt_neox"),
    T5("t5"),
    BERT("bert"),
    DEBERTA("deberta"),
    LLAMA("llama"),
    QWEN2("qwen2"),
    QWEN3("qwen3"),
    GEMMA2("gemma2");

    private final String modelType;

    Family(String modelType) {
        this.modelType = modelType;
    }

    /** Whether transformers has a fused attention for it; GPT-Neo, T5 and DeBERTa are eager only. */
    public boolean fuses() {
        return this != GPT_NEO && this != T5 && this != DEBERTA;
    }

    /** The {@code model_type} of its config.json. */
    public String modelType() {
        return modelType;
    }
}
