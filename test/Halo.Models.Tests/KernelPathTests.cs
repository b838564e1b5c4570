using System.Text.Json.Nodes;
using Halo.Kernels;
using Halo.Kernels.Cuda;
using TorchSharp;
using static TorchSharp.torch;

namespace Halo.Models.Tests;

/// <summary>A model on a card with fused kernels against the same model with plain tensor operations. Alone, because it turns kernels off.</summary>
[CollectionDefinition("kernels", DisableParallelization = true)]
[Collection("kernels")]
public sealed class KernelPathTests
{
    private const string Nano = """
        {
          "architectures": ["HypeNetForCausalLM"], "model_type": "hypenet", "vocab_size": 500, "hidden_size": 192, "intermediate_size": 512, "num_hidden_layers": 4,
          "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 64, "hidden_act": "silu", "rms_norm_eps": 1e-6, "rope_theta": 10000, "rope_scaling": null,
          "max_position_embeddings": 1024, "tie_word_embeddings": true, "attention_bias": false, "mixer_types": ["lightning-attn", "attn", "lightning-attn", "attn"],
          "attn_use_rope": false, "attn_use_output_gate": true, "attn_use_qk_norm": true, "attn_logits_scaling": "hype 6324.56", "expand_kv_proj": true,
          "lightning_nh": 4, "lightning_nkv": 4, "lightning_head_dim": 64, "lightning_scale": "1/sqrt(d)", "lightning_use_qk_norm": true, "lightning_use_rope": true,
          "lightning_rope_scaling": null, "lightning_use_output_norm": true, "lightning_use_output_gate": true, "lightning_use_short_conv": false
        }
        """;

    [Theory]
    [InlineData(ScalarType.Float32, 1e-3)]
    [InlineData(ScalarType.BFloat16, 3e-2)]
    public void Outputs_and_gradients_equal_those_of_plain_operations(ScalarType compute, double tolerance)
    {
        Assert.SkipUnless(CudaKernels.WhyNot is null, "CUDA kernels: " + CudaKernels.WhyNot);
        using DisposeScope scope = NewDisposeScope();
        using CausalLm model = CausalLm.Create(ModelConfiguration.Parse(JsonNode.Parse(Nano)!.AsObject()), CUDA, ScalarType.Float32, 7);
        foreach (Parameter parameter in model.Parameters)
        {
            parameter.Value.requires_grad_();
        }

        Tensor ids = randint(500, [3, 161], device: CUDA);
        (Tensor exactHidden, Tensor[] exact) = Pass(model, ids, ScalarType.Float32, kernels: false);
        (Tensor plainHidden, Tensor[] plain) = Pass(model, ids, compute, kernels: false);
        (Tensor fusedHidden, Tensor[] fused) = Pass(model, ids, compute, kernels: true);
        Assert.Null(Differentiable.TakeFailure());
        Near.Relative(exactHidden, fusedHidden, tolerance);
        for (int i = 0; i < exact.Length; i++)
        {
            // In bfloat16 some gradients are far off in either way: the kernels must not be further off than twice the plain operations.
            double size = exact[i].norm().item<float>(), off = (plain[i] - exact[i]).norm().item<float>(), mine = (fused[i] - exact[i]).norm().item<float>();
            Assert.True(mine <= Math.Max(2 * off, tolerance * size), $"{model.Parameters[i].Name}: {mine / size:E2}, plain {off / size:E2}");
        }
    }

    [Fact]
    public void Reading_in_half_precision_adds_in_the_products_and_leaves_weights_as_they_are()
    {
        Assert.SkipUnless(CudaKernels.WhyNot is null, "CUDA kernels: " + CudaKernels.WhyNot);
        using DisposeScope scope = NewDisposeScope();
        using CausalLm model = CausalLm.Create(ModelConfiguration.Parse(JsonNode.Parse(Nano)!.AsObject()), CUDA, ScalarType.BFloat16, 7);
        Tensor ids = randint(500, [3, 161], device: CUDA), embedded = model.Embed(ids).clone(), layered = model.Hidden(ids).to_type(ScalarType.Float32);
        using IDisposable constant = no_grad();
        Tensor added = model.Hidden(ids);
        model.ComputeType = ScalarType.Float32;
        Tensor exact = model.Hidden(ids);
        model.ComputeType = ScalarType.BFloat16;
        double usual = (layered - exact).norm().item<float>(), mine = (added.to_type(ScalarType.Float32) - exact).norm().item<float>();
        Assert.True(mine <= 1.25 * usual, $"{mine:E2}, layer by layer {usual:E2}");
        Assert.True(model.Hidden(ids).equal(added).all().item<bool>());
        Assert.True(model.Embed(ids).equal(embedded).all().item<bool>());
    }

    [Fact]
    public void Long_prompts_have_both_products_of_the_MLP_in_one_kernel()
    {
        Assert.SkipUnless(CudaKernels.WhyNot is null, "CUDA kernels: " + CudaKernels.WhyNot);
        using DisposeScope scope = NewDisposeScope();
        using IDisposable constant = no_grad();
        using CausalLm model = CausalLm.Create(ModelConfiguration.Parse(JsonNode.Parse(Nano)!.AsObject()), CUDA, ScalarType.BFloat16, 7);
        Mlp mlp = model.Layers[0].Mlp;
        Tensor n_BTd = randn([1, 33792, 192], ScalarType.BFloat16, CUDA), sum_BTd = zeros_like(n_BTd); // eight rounds of a card with 132 multiprocessors
        Assert.Equal(CudaDevice.Of(0).Capability == 90, SwiGluProduct.Serves(n_BTd, 512));
        mlp.AddTo(sum_BTd, n_BTd);
        Near.Relative(mlp.Forward(n_BTd).to_type(ScalarType.Float32), sum_BTd.to_type(ScalarType.Float32), 1e-2);
    }

    [Fact]
    public void Reading_in_parts_with_a_cache_gives_the_whole()
    {
        Assert.SkipUnless(CudaKernels.WhyNot is null, "CUDA kernels: " + CudaKernels.WhyNot);
        using DisposeScope scope = NewDisposeScope();
        using IDisposable constant = no_grad();
        using CausalLm model = CausalLm.Create(ModelConfiguration.Parse(JsonNode.Parse(Nano)!.AsObject()), CUDA, ScalarType.Float32, 7);
        Tensor ids = randint(500, [2, 70], device: CUDA), whole = model.Hidden(ids);
        using var cache = HybridCache.Create(model, 2);
        Tensor parts = cat([model.Hidden(ids.narrow(1, 0, 50), null, cache), model.Hidden(ids.narrow(1, 50, 19), null, cache), model.Hidden(ids.narrow(1, 69, 1), null, cache)], 1);
        Near.Relative(whole, parts, 1e-3);
    }

    [Theory]
    [InlineData(1, 700)]
    [InlineData(2, 300)]
    [InlineData(1, 4500)]
    public void Reading_in_parts_in_half_precision_is_as_near_as_the_whole(int batch, int block)
    {
        Assert.SkipUnless(CudaKernels.WhyNot is null, "CUDA kernels: " + CudaKernels.WhyNot);
        using DisposeScope scope = NewDisposeScope();
        using IDisposable constant = no_grad();
        using CausalLm model = CausalLm.Create(ModelConfiguration.Parse(JsonNode.Parse(Nano)!.AsObject()), CUDA, ScalarType.Float32, 7);
        Tensor ids = randint(500, [batch, 3 * block], device: CUDA), exact = model.Hidden(ids);
        model.ComputeType = ScalarType.BFloat16;
        double Off(Tensor hidden) => (hidden.to_type(ScalarType.Float32) - exact).norm().item<float>();
        using var cache = HybridCache.Create(model, batch);
        double whole = Off(model.Hidden(ids)), parts = Off(cat([.. Enumerable.Range(0, 3).Select(part => model.Hidden(ids.narrow(1, part * block, block), null, cache))], 1));
        Assert.True(parts <= 1.25 * whole, $"{parts:E2}, as a whole {whole:E2}");
    }

    [Fact]
    public void Steps_leave_no_memory_behind()
    {
        Assert.SkipUnless(CudaKernels.WhyNot is null, "CUDA kernels: " + CudaKernels.WhyNot);
        using CausalLm model = CausalLm.Create(ModelConfiguration.Parse(JsonNode.Parse(Nano)!.AsObject()), CUDA, ScalarType.Float32, 7);
        foreach (Parameter parameter in model.Parameters)
        {
            parameter.Value.requires_grad_();
        }

        void Step()
        {
            using DisposeScope scope = NewDisposeScope();
            Pass(model, randint(500, [16, 512], device: CUDA), ScalarType.BFloat16, kernels: true);
        }

        for (int i = 0; i < 10; i++)
        {
            Step();
        }

        (int alive, long free) = (DifferentiableNode.Alive, Free());
        for (int i = 0; i < 100; i++)
        {
            Step();
        }

        Assert.Equal(alive, DifferentiableNode.Alive);
        Assert.InRange(free - Free(), long.MinValue, 64L << 20);
    }

    private static long Free()
    {
        cuda.synchronize();
        return Halo.Tensors.DeviceMemory.Query(out nuint free, out _) == 0 ? (long)free : throw new InvalidOperationException("the driver does not tell its memory");
    }

    private static (Tensor Hidden, Tensor[] Gradients) Pass(CausalLm model, Tensor ids, ScalarType compute, bool kernels)
    {
        bool before = CudaKernels.Enabled;
        try
        {
            CudaKernels.Enabled = kernels;
            model.ComputeType = compute;
            Tensor hidden = model.Hidden(ids);
            nn.functional.cross_entropy(model.Logits(hidden).view(-1, 500).to_type(ScalarType.Float32), ids.roll(-1, 1).view(-1)).backward();
            Tensor[] gradients = [.. model.Parameters.Select(parameter => parameter.Value.grad!)];
            foreach (Parameter parameter in model.Parameters)
            {
                parameter.Value.grad = null;
            }

            return (hidden.detach().to_type(ScalarType.Float32), gradients);
        }
        finally
        {
            CudaKernels.Enabled = before;
        }
    }
}
