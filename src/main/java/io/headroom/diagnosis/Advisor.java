package io.headroom.diagnosis;

import io.headroom.memory.Limit;
import io.headroom.oom.Backend;
import io.headroom.oom.Field;
import io.headroom.oom.OutOfMemory;
import io.headroom.oom.Size;
import io.headroom.remedy.Plans;
import io.headroom.remedy.Remedies;
import io.headroom.remedy.Remedy;
import io.headroom.remedy.Saving;
import io.headroom.units.Bytes;
import io.headroom.workload.Workload;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Collects advice on one failure: what fits, with its predicted saving, and what cannot help. */
final class Advisor {
    /** A card that lists more is not read to its end. */
    private static final int MOST = 8;

    private static final String RAISE = "raise the limit";

    /** The share of the step below which a remedy is not worth its line. */
    private static final double LEAST = 0.005;

    /** For the code of remedies that does not depend on a workload. */
    private static final Workload ANY = Workload.transformer();

    final OutOfMemory oom;
    final Cause cause;
    final Situation situation;
    final Growth growth;
    final Implied seen;
    final Place place;
    private final List<Advice> advice = new ArrayList<>();
    private final List<WontHelp> wontHelp = new ArrayList<>();

    Advisor(OutOfMemory oom, Cause cause, Situation situation, Growth growth) {
        this.oom = oom;
        this.cause = cause;
        this.situation = situation;
        this.growth = growth;
        this.seen = new Implied(oom);
        this.place = new Place(situation.kernel());
        held();
        switch (oom.allocator()) {
            case CUDA, HIP, XPU, CUBLAS, CUDNN, NCCL -> DeviceAdvice.give(this);
            case MPS -> DeviceAdvice.mps(this);
            default -> HostAdvice.give(this);
        }
    }

    /** The advice, most bytes first; last what saves nothing but gives more room. */
    List<Advice> remedies() {
        List<Advice> room =
                advice.stream().filter(each -> each.name().startsWith(RAISE)).toList();
        return Stream.concat(
                        advice.stream()
                                .filter(each -> !room.contains(each))
                                .sorted(Comparator.comparingLong(
                                        (Advice each) -> -each.saves().orElse(-1)))
                                .limit(MOST - room.size()),
                        room.stream())
                .toList();
    }

    /** More room for this process, where a limit was its end. */
    void raise(String name, OptionalLong room, String of, String how, String cost) {
        String gives = room.isPresent() && room.getAsLong() > 0
                ? "up to " + Bytes.format(room.getAsLong()) + " more room, " + of + "; "
                : "";
        add(RAISE + name, how, gives + cost);
    }

    List<WontHelp> wontHelp() {
        return wontHelp;
    }

    private void held() {
        String in = String.join(" and ", situation.heldIn());
        situation.heldByCell().ifPresent(bytes -> {
            if (bytes > 0) {
                add(
                        "release what the failed cell holds",
                        OptionalLong.of(bytes),
                        "counted in the NDArrays that it opened"
                                + (in.isEmpty() ? " and no variable is seen to hold" : ", those in " + in + " too"),
                        "releaseFailed();      // closes them, and tells what came back",
                        in.isEmpty()
                                ? "none: the cell failed anyway"
                                : "what the cell put into " + in
                                        + " is lost; put what you need into variables of their own before");
            }
        });
        if (growth.steady()) {
            if (oom.allocator() == Backend.JVM) {
                return;
            }
            process(
                    "intermediates dropped early",
                    OptionalLong.of(growth.total()),
                    "the growth seen, if they are its reason");
            process(
                    "copy instead of reference",
                    OptionalLong.of(growth.total()),
                    "the growth seen, if it is its reason");
        }
    }

    /** The remedies that make the step need less: from the budget where the workload is known, else from the request. */
    void smallerStep() {
        if (situation.estimate().isPresent()) {
            Workload workload = situation.workload().orElseThrow();
            OptionalLong room = room();
            Optional<Remedy> cheapest = cheapest(workload, room);
            cheapest.ifPresent(remedy -> budgeted(remedy, workload, room));
            for (Remedy each : Remedies.applicableTo(workload)) {
                if (cheapest.filter(one -> one.name().equals(each.name())).isEmpty()) {
                    budgeted(
                            each.name().equals("smaller batch") ? fitting(each, workload, room) : each, workload, room);
                }
            }
            return;
        }
        general("smaller batch", part(1, 2), "half the batch, and again until it fits");
        if (situation.onlyPredicts()) {
            predicting("the cell");
        } else if (oom.predicting()) {
            predicting("the stack trace");
        } else {
            general(Remedies.accumulate(4), part(3, 4));
            general(Remedies.checkpointing(4), OptionalLong.empty());
            general(Remedies.halfPrecision(), part(1, 2));
        }
        general("shorter sequences", part(1, 2), "half the length (or half the pixels)");
    }

    private void predicting(String shown) {
        no(
                "gradient accumulation and checkpointing",
                shown + " shows a prediction: nothing is kept for a backward pass.");
    }

    private void budgeted(Remedy remedy, Workload workload, OptionalLong room) {
        Optional<Saving> saving = remedy.saving(workload);
        if (saving.isEmpty()) {
            return;
        }
        if (saving.get().share() < LEAST) {
            no(
                    remedy.name(),
                    saving.get().bytes() > 0
                            ? "it would save " + saving.get() + ", by the budget."
                            : "by the budget this step would need no less with it.");
            return;
        }
        advice.add(new Advice(
                remedy.title(),
                OptionalLong.of(saving.get().bytes()),
                "the budget: " + saving.get().toString().replaceFirst("^.*? of ", "of ") + fits(saving.get(), room),
                situation
                        .code()
                        .flatMap(code -> CellCode.with(remedy, workload, code))
                        .orElseGet(() -> remedy.how(workload)),
                remedy.cost().toString(),
                Optional.of(remedy)));
    }

    /** The cheapest remedy that fits, or those that fit together. */
    private static Optional<Remedy> cheapest(Workload workload, OptionalLong room) {
        try {
            return room.isEmpty() || room.getAsLong() <= 0
                    ? Optional.empty()
                    : Plans.cheapest(workload, room.getAsLong())
                            .flatMap(plan -> plan.remedies().stream().reduce(Remedy::then));
        } catch (UnsupportedOperationException noEstimate) {
            return Optional.empty();
        }
    }

    /** What the workload may take now that the failed step has given back its own; unknown for a device. */
    private OptionalLong room() {
        return oom.allocator().isDevice() ? OptionalLong.empty() : situation.room();
    }

    private static Remedy fitting(Remedy half, Workload workload, OptionalLong room) {
        try {
            Remedy largest = room.isPresent() ? Remedies.batchThatFits(workload, room.getAsLong()) : half;
            return largest.appliesTo(workload) ? largest : half;
        } catch (IllegalArgumentException | UnsupportedOperationException none) {
            return half;
        }
    }

    private static String fits(Saving saving, OptionalLong room) {
        if (room.isEmpty()) {
            return "";
        }
        return saving.fits(room.getAsLong()) ? ", then it fits" : ", not enough alone";
    }

    /** Whether the request is so large that only another shape makes it fit. */
    boolean halvingCannotFit() {
        if (cause == Cause.SHAPE_BUG || oom.impossible()) {
            return true;
        }
        long most = oom.allocator().isDevice()
                ? seen.total.or(() -> seen.allowed).map(Size::bytes).orElse(Long.MAX_VALUE)
                : situation.machine().map(Limit::bytes).orElse(Bytes.TIB);
        return cause == Cause.OVERSIZED_REQUEST
                && situation.workload().isEmpty()
                && oom.size(Field.REQUESTED).map(Size::low).orElse(0L) / 2 > most;
    }

    /** What is open beside what the failed cell left. */
    private OptionalLong besideTheCell() {
        OptionalLong live = situation.liveArrays();
        return live.isPresent()
                ? OptionalLong.of(
                        Math.max(0, live.getAsLong() - situation.heldByCell().orElse(0)))
                : live;
    }

    /** Releasing what else is loaded, unless it is known that this is next to nothing. */
    void release() {
        OptionalLong live = besideTheCell();
        List<String> names = List.copyOf(situation.models().keySet());
        if (names.size() > 1) {
            List<String> earlier = names.subList(0, names.size() - 1);
            long bytes = earlier.stream().mapToLong(situation.models()::get).sum();
            add(
                    "release between models",
                    OptionalLong.of(bytes),
                    "the weights of " + String.join(" and ", earlier) + ", still loaded beside "
                            + names.get(names.size() - 1),
                    earlier.stream().map(name -> "release(" + name + ");").collect(Collectors.joining("\n"))
                            + "      // or releaseAll()",
                    "loading a model again costs its load time");
        } else if (live.isPresent() && names.isEmpty()) {
            if (live.getAsLong() < Bytes.MIB) {
                no(
                        "release between models",
                        "beside what the failed cell opened, open NDArrays hold " + Bytes.format(live.getAsLong())
                                + ".");
            }
        } else {
            Remedy remedy = Remedies.byName("release between models");
            add(
                    remedy.name(),
                    live,
                    "counted in open NDArrays",
                    place.isNotebook()
                            ? (names.isEmpty() ? "release(model);" : "release(" + names.get(0) + ");")
                                    + "      // what load(…) returned; releaseAll() for every one"
                            : code(remedy),
                    cost(remedy));
        }
    }

    void chunked() {
        general(Remedies.chunkedAttention(4), part(3, 4));
    }

    /** A remedy of the process, by its name in the catalogue. */
    void process(String name, OptionalLong saves, String basis) {
        Remedy remedy = Remedies.byName(name);
        advice.add(new Advice(
                name, saves, saves.isPresent() ? basis : "", code(remedy), cost(remedy), Optional.of(remedy)));
    }

    /** A setting of the environment, by its remedy's name in the catalogue. */
    void setting(String name, OptionalLong saves, String basis, String how) {
        Optional<Remedy> remedy = Remedies.all().stream()
                .filter(each -> name.startsWith(each.name()))
                .findFirst();
        advice.add(new Advice(
                name,
                saves,
                saves.isPresent() ? basis : "",
                how,
                remedy.map(Advisor::cost).orElse(""),
                remedy));
    }

    void add(String name, OptionalLong saves, String basis, String how, String cost) {
        advice.add(new Advice(name, saves, saves.isPresent() ? basis : "", how, cost, Optional.empty()));
    }

    void add(String name, String how, String cost) {
        add(name, OptionalLong.empty(), "", how, cost);
    }

    void no(String name, String because) {
        wontHelp.add(new WontHelp(name, because));
    }

    /** A part of the request, where it is a tensor's size and not a segment's. */
    OptionalLong part(long numerator, long denominator) {
        Optional<Size> requested = oom.size(Field.REQUESTED);
        boolean crumb = !oom.allocator().isDevice()
                && requested.filter(size -> size.bytes() < Bytes.MIB).isPresent();
        return requested.isEmpty()
                        || crumb
                        || hadRoom()
                        || Implied.tensorBehind(oom).isPresent()
                        || oom.impossible()
                ? OptionalLong.empty()
                : OptionalLong.of(requested.get().bytes() / denominator * numerator);
    }

    /** The bytes as printed: what is known no better is not told to more digits. */
    static OptionalLong bytes(Optional<Size> size) {
        return size.isPresent() ? OptionalLong.of(size.get().bytes()) : OptionalLong.empty();
    }

    /** Whether the device had room for the request, so that tensors are not the reason. */
    boolean hadRoom() {
        return cause == Cause.UNKNOWN && seen.requestedFits();
    }

    private void general(Remedy remedy, OptionalLong saves) {
        String how = code(remedy);
        advice.add(new Advice(remedy.title(), saves, request(saves), how, cost(remedy), Optional.of(remedy)));
    }

    private void general(String name, OptionalLong saves, String how) {
        Remedy remedy = Remedies.byName(name);
        advice.add(new Advice(name, saves, request(saves), how, cost(remedy), Optional.of(remedy)));
    }

    /** What to type: Java where a notebook or a Java program failed, Python where PyTorch's own did. */
    private String code(Remedy remedy) {
        return place.isNotebook() || oom.backend() == Backend.JVM
                ? remedy.how(ANY)
                : PythonCode.of(remedy.name(), oom).orElseGet(remedy::what);
    }

    private static String request(OptionalLong saves) {
        return saves.isPresent() ? "at least: of the refused request alone, if it is an activation" : "";
    }

    private static String cost(Remedy remedy) {
        if (remedy.name().equals("CPU instead of the device")) {
            return "5 to 10 times slower is usual, a claim and not measured here; same result";
        }
        return remedy.cost() + ". " + remedy.cost().note();
    }
}
