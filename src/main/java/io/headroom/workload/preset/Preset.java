package io.headroom.workload.preset;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;

/**
 * A published model by its hub name: what it is made of, without weights or network.
 *
 * <pre>{@code
 * Preset gpt2 = Preset.named("openai-community/gpt2");
 * gpt2.parameters();                       // 124439808
 * gpt2.language().hidden();                // 768
 * Preset.named("VGG16", 10).image().weights();
 * }</pre>
 *
 * <p>Immutable. Exactly one of {@code language} and {@code image} is there, the other is null. Sizes: the models' own
 * config.json and torchvision 0.21.
 */
public record Preset(String name, LanguageModel language, ImageModel image) {
    private static final long CLASSES = 1000;
    private static final Map<String, Supplier<LanguageModel>> LANGUAGE = new LinkedHashMap<>();
    private static final Set<String> OWNERS = Set.of("google-t5", "google-bert", "microsoft");
    private static final List<String> IMAGE = List.of(
            "VGG16",
            "VGG19",
            "ResNet50",
            "ResNet101",
            "ResNet152",
            "MobileNetV2",
            "MobileNetV3Small",
            "MobileNetV3Large",
            "MnasNet",
            "ConvNeXtTiny",
            "ConvNeXtBase",
            "RegNetX400MF",
            "RegNetY400MF");

    static {
        add("distilbert/distilgpt2", () -> LanguageModel.of(Family.GPT2).layers(6));
        add("openai-community/gpt2", () -> LanguageModel.of(Family.GPT2));
        add(
                "openai-community/gpt2-medium",
                () -> LanguageModel.of(Family.GPT2).hidden(1024).layers(24).heads(16));
        add("facebook/opt-125m", () -> LanguageModel.of(Family.OPT));
        add("facebook/opt-350m", () -> LanguageModel.of(Family.OPT)
                .hidden(1024)
                .layers(24)
                .heads(16)
                .intermediate(4096)
                .embedding(512)
                .normFirst(false));
        add(
                "EleutherAI/gpt-neo-125M",
                () -> LanguageModel.of(Family.GPT_NEO).hidden(768).layers(12).heads(12));
        add("cerebras/Cerebras-GPT-111M", () -> LanguageModel.of(Family.GPT2)
                .layers(10)
                .activation("gelu")
                .dropout(0)
                .attentionDropout(0)
                .positions(2048));
        add("T5-small", () -> LanguageModel.of(Family.T5));
        add("t5-base", () -> LanguageModel.of(Family.T5)
                .hidden(768)
                .layers(12)
                .heads(12)
                .intermediate(3072));
        add("deberta-base", () -> LanguageModel.of(Family.DEBERTA));
        add("bert-base-uncased", () -> LanguageModel.of(Family.BERT));
        add("Qwen/Qwen3-0.6B", () -> qwen3(1024, 28, 16, 3072));
        add("Qwen/Qwen3-4B", () -> qwen3(2560, 36, 32, 9728));
        add("deepseek-ai/DeepSeek-R1-Distill-Qwen-1.5B", () -> LanguageModel.of(Family.QWEN2)
                .hidden(1536)
                .layers(28)
                .heads(12)
                .keyValueHeads(2)
                .intermediate(8960));
        add("meta-llama/Llama-3.2-3B-Instruct", () -> LanguageModel.of(Family.LLAMA)
                .vocab(128256)
                .hidden(3072)
                .layers(28)
                .heads(24)
                .keyValueHeads(8)
                .intermediate(8192)
                .tied(true));
        add("google/gemma-2-2b-it", () -> LanguageModel.of(Family.GEMMA2));
        add("EleutherAI/pythia-1b", () -> LanguageModel.of(Family.GPT_NEOX)
                .vocab(50304)
                .hidden(2048)
                .layers(16)
                .heads(8)
                .intermediate(8192));
    }

    private static LanguageModel.Builder qwen3(long hidden, long layers, long heads, long intermediate) {
        return LanguageModel.of(Family.QWEN3)
                .hidden(hidden)
                .layers(layers)
                .heads(heads)
                .keyValueHeads(8)
                .intermediate(intermediate)
                .tied(true);
    }

    private static void add(String name, Supplier<LanguageModel.Builder> sizes) {
        LANGUAGE.put(name, () -> sizes.get().build());
    }

    /** Every name there is, in the order of the documentation. */
    public static List<String> names() {
        List<String> names = new ArrayList<>(LANGUAGE.keySet());
        names.addAll(IMAGE);
        return List.copyOf(names);
    }

    /**
     * The model of that hub name, in any case; the owner before the slash may be left out or the one the hub uses today ({@code
     * google-t5/t5-small}). Image networks go by torchvision's names too ({@code mobilenet_v3_small}).
     *
     * @throws IllegalArgumentException if there is none; the message offers the nearest names
     */
    public static Preset named(String name) {
        return named(name, CLASSES);
    }

    /**
     * The same, an image network with another number of classes; language models have none.
     *
     * @throws IllegalArgumentException if there is none of that name, or {@code classes} is not from 1 to a million
     */
    public static Preset named(String name, long classes) {
        String known = find(name);
        if (classes < 1 || classes > 1_000_000) {
            throw new IllegalArgumentException("classes " + classes + " must be from 1 to 1000000.");
        }
        Supplier<LanguageModel> language = LANGUAGE.get(known);
        return language == null
                ? new Preset(known, null, Networks.named(known, classes))
                : new Preset(known, language.get(), null);
    }

    /**
     * The model of a Hugging Face config.json, any size of a family that is known, by the name of its folder; see {@link ConfigFile}.
     *
     * @throws IOException if it cannot be read
     * @throws IllegalArgumentException if it is none or of a network that is not followed; the message says what was understood
     */
    public static Preset read(Path config) throws IOException {
        Path file = config.toAbsolutePath();
        Path folder = file.getParent() == null ? file : file.getParent().getFileName();
        return new Preset(String.valueOf(folder == null ? file : folder), ConfigFile.read(file), null);
    }

    private static String find(String name) {
        String wanted =
                name == null ? "" : name.strip().toLowerCase(Locale.ROOT).replace('_', '-');
        for (String known : names()) {
            String lower = known.toLowerCase(Locale.ROOT);
            boolean ownerless = !lower.contains("/") && OWNERS.contains(owner(wanted));
            if (lower.equals(wanted) || bare(lower).equals(ownerless ? bare(wanted) : wanted)) {
                return known;
            }
        }
        for (String known : IMAGE) {
            String plain = wanted.replaceAll("1-0$|[\\s-]", "");
            if (known.toLowerCase(Locale.ROOT).equals(plain)) {
                return known;
            }
        }
        String shown = name == null ? "null" : name.length() > 60 ? name.substring(0, 60) + "…" : name;
        throw new IllegalArgumentException(
                "There is no preset \"" + shown + "\". Did you mean "
                        + String.join(", ", nearest(wanted)) + "? docs/gpu.md lists all " + names().size()
                        + "; any other size of a family is read from its config.json: preset(Path.of(\"config.json\")) in a cell, \"config\" instead of \"preset\" in a spec.");
    }

    private static String owner(String name) {
        return name.substring(0, Math.max(0, name.indexOf('/')));
    }

    private static String bare(String name) {
        return name.substring(name.indexOf('/') + 1);
    }

    private static List<String> nearest(String wanted) {
        String cut = wanted.length() > 60 ? wanted.substring(0, 60) : wanted;
        return names().stream()
                .sorted(Comparator.comparingInt((String known) -> near(cut, known))
                        .thenComparing(Comparator.naturalOrder()))
                .limit(3)
                .toList();
    }

    /** With owner, without it, or of as much of the known name as was written: the size at its end is what differs most. */
    private static int near(String wanted, String known) {
        String lower = known.toLowerCase(Locale.ROOT);
        String start = bare(lower)
                .substring(0, Math.min(bare(lower).length(), bare(wanted).length()));
        return Math.min(
                        distance(wanted, lower),
                        Math.min(distance(bare(wanted), bare(lower)), distance(bare(wanted), start) + 1))
                - common(bare(wanted), bare(lower));
    }

    private static int common(String a, String b) {
        int length = 0;
        while (length < Math.min(a.length(), b.length()) && a.charAt(length) == b.charAt(length)) {
            length++;
        }
        return length;
    }

    private static int distance(String a, String b) {
        int[] row = new int[b.length() + 1];
        for (int j = 0; j <= b.length(); j++) {
            row[j] = j;
        }
        for (int i = 1; i <= a.length(); i++) {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.length(); j++) {
                int above = row[j];
                int change = diagonal + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
                row[j] = Math.min(change, Math.min(above, row[j - 1]) + 1);
                diagonal = above;
            }
        }
        return row[b.length()];
    }

    /** How many values are trained. */
    public long parameters() {
        return weights().stream()
                .filter(Weight::trained)
                .mapToLong(Weight::count)
                .sum();
    }

    /** Every weight and buffer in the order in which {@code model.to(device)} moves them. */
    public List<Weight> weights() {
        return language != null ? language.weights() : image.weights();
    }
}
