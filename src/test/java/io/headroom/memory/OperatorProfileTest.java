package io.headroom.memory;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import org.junit.jupiter.api.Test;

class OperatorProfileTest {
    @Test
    void anOperatorCountsWithoutThoseItCalled() throws IOException {
        String json =
                """
                [{"name":"aten::empty","ph":"X","ts":10.0,"dur":1.0,"tid":1,"pid":"CPU Functions","shape":[[]],"cpu mem":"1.50 Mb","args":{}},
                 {"name":"aten::ones","ph":"X","ts":9.0,"dur":5.0,"tid":1,"pid":"CPU Functions","shape":[[2,3],[]],"cpu mem":"2.00 Mb","args":{}},
                 {"name":"aten::empty","ph":"X","ts":20.0,"dur":1.0,"tid":1,"pid":"CPU Functions","shape":[[]],"cpu mem":"-512 b","args":{}}]
                """;
        assertThat(OperatorProfile.sum(json))
                .containsExactly(
                        new OperatorMemory("aten::empty", "", 2, 1_572_864 - 512),
                        new OperatorMemory("aten::ones", "[2, 3]", 1, 524_288));
    }

    @Test
    void sizesReadInTheProfilersUnits() {
        assertThat(OperatorProfile.bytes("1.50 Kb")).isEqualTo(1_536);
        assertThat(OperatorProfile.bytes("-2.00 Gb")).isEqualTo(-2_147_483_648L);
        assertThat(OperatorProfile.bytes("12 b")).isEqualTo(12);
        assertThat(OperatorProfile.bytes("")).isZero();
        assertThat(OperatorProfile.bytes("many Mb")).isZero();
    }
}
