namespace Halo.Models;

/// <summary>How keys and values of attention layers are kept.</summary>
public enum CacheFormat
{
    /// <summary>In the type that is computed in.</summary>
    Full,

    /// <summary>In 8 bits with a float32 scale for each token and head, chosen when the token is read: max |x| / 127.</summary>
    Int8,
}
