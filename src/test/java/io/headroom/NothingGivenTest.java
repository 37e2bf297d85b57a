package io.headroom;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.headroom.model.Models;
import io.headroom.model.SampleModels;
import io.headroom.trace.Trace;
import io.headroom.workload.Workload;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** A cell that is given nothing says what to give it. */
class NothingGivenTest {
    static Stream<Arguments> cells() {
        return Stream.of(
                cell("operators(null)", () -> Headroom.operators(null)),
                cell("diagnose(null)", () -> Headroom.diagnose((Path) null)),
                cell("compare(null)", () -> Headroom.compare((Workload) null)),
                cell("Remedies.batch(8)", () -> Headroom.compare(Headroom.mlp(), (io.headroom.remedy.Remedy) null)),
                cell("train(null)", () -> Headroom.train(null)),
                cell(
                        "training(40",
                        () -> Headroom.compare(
                                Headroom.training(4, "1 MiB"), (io.headroom.training.SampleTraining) null)),
                cell("whatIf(null)", () -> Headroom.whatIf((Path) null)),
                cell("whatIf(null)", () -> Headroom.whatIf((Trace) null, "")),
                cell("trace(null)", () -> Headroom.trace((Path) null)),
                cell("trace(null)", () -> Headroom.trace((String) null)),
                cell("replay(null)", () -> Headroom.replay(null, "", "1 GiB")),
                cell("replayOnMalloc(null)", () -> Headroom.replayOnMalloc(null)),
                cell("addressMap(null)", () -> Headroom.addressMap(null, "", "1 GiB", 1)),
                cell("addressSlider(null)", () -> Headroom.addressSlider(null, "", "1 GiB")),
                cell("sideBySide()", () -> Headroom.sideBySide()),
                cell("block", () -> Models.load("clock", null, Path.of("clock-0000.params"))),
                cell("null", () -> SampleModels.torchScript(Path.of("models"), null, 1)),
                cell("../x", () -> SampleModels.torchScript(Path.of("models"), "../x", 1)));
    }

    private static Arguments cell(String says, ThrowingCallable call) {
        return Arguments.of(says, call);
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("cells")
    void theMessageSaysWhatToGive(String says, ThrowingCallable call) {
        assertThatThrownBy(call)
                .isExactlyInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(says);
    }

    @Test
    void aConfigThatIsNotThereIsNamed() {
        assertThatThrownBy(() -> Headroom.preset(Path.of("nope.json")))
                .isInstanceOf(NoSuchFileException.class)
                .hasMessageContaining("nope.json: there is no such file");
    }
}
